"""Why a provider gave no usable answer, in words that may be shown to whoever started the work."""

from enum import StrEnum


class AiErrorCode(StrEnum):
    """The part of a job's error codes that providers can cause."""

    AI_OUTPUT_INVALID = "AI_OUTPUT_INVALID"
    AI_REFUSED = "AI_REFUSED"
    PROVIDER_AUTH = "PROVIDER_AUTH"
    PROVIDER_LIMIT = "PROVIDER_LIMIT"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    TIMEOUT = "TIMEOUT"


class AiError(Exception):
    """`retryable`: the same call may work later, not before `retry_after` seconds where the provider said so."""

    def __init__(
        self, code: AiErrorCode, message: str, *, retryable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after
