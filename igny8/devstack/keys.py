"""The secrets of one project's development stack, made once and kept for its owner's eyes only."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from igny8.devstack.faults import StackFault

ROLES = ("owner", "app", "member", "signin", "system")


@dataclass(frozen=True)
class Keys:
    token_key: str
    secrets_keys: str
    passwords: dict[str, str]

    @classmethod
    def kept_in(cls, file: Path) -> Self:
        """The keys in the file; made anew, and written, when there is none."""
        if not file.exists():
            made = cls(_key(), f"dev:{_key()}", {role: secrets.token_urlsafe(24) for role in ROLES})
            made._write(file)
            return made
        try:
            found = cls(**json.loads(file.read_text()))
        except (ValueError, TypeError):
            found = None
        if found is None or set(found.passwords) != set(ROLES):
            raise StackFault(f"{file} cannot be read: `igny8 dev --reset` starts afresh, without the data.")
        return found

    def _write(self, file: Path) -> None:
        unfinished = file.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(asdict(self), out, indent=2)
        unfinished.rename(file)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
