"""Parts of the schema that no test can see yet, and why; whoever makes one visible takes it from this list."""

UNSEEN = {
    "ErrorCode.STALE_VERSION": "nothing is edited by version yet",
    "ErrorCode.INSUFFICIENT_CREDITS": "nothing costs credits yet",
    "ErrorCode.EXTERNAL_SERVICE": "nothing calls another service yet",
}
