"""Addresses that allow one thing for a while, to whoever has them: to fetch one stored file, or to put one.

The signature covers all that the address says, with a key that nothing else uses.
"""

import base64
import hmac
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from pydantic import SecretStr

from igny8.tokens import derive

#: Addresses of pictures stay the same for so many seconds, so that browsers need not fetch them again.
STEADY_SECONDS: Final = 12 * 3600
_LONGEST: Final = 1_000


class Act(StrEnum):
    """What an address allows."""

    FETCH = "fetch"
    PUT = "put"


class AddressRefused(Exception):
    """The address was not signed by us, was changed, or has expired; the message says which."""


class SignedAddresses:
    """Makes and checks addresses below `public_url`."""

    def __init__(self, token_key: SecretStr, public_url: str) -> None:
        self._key = derive(token_key, "file addresses")
        self._root = public_url.rstrip("/")

    def file(self, key: str, *, expires_at: datetime, name: str = "") -> str:
        """Where a stored file is fetched; with a name it is a download that is called so."""
        return self._signed(Act.FETCH, f"/files/{key}", int(expires_at.timestamp()), name)

    def picture(self, key: str) -> str:
        """Where a stored picture is shown, for 12 to 24 hours."""
        begun = int(time.time()) // STEADY_SECONDS
        return self._signed(Act.FETCH, f"/files/{key}", (begun + 2) * STEADY_SECONDS, "")

    def upload(self, account_id: UUID, upload_id: UUID, *, expires_at: datetime) -> str:
        """Where the file of an upload is put."""
        path = f"/uploads/{account_id.hex}/{upload_id.hex}"
        return self._signed(Act.PUT, path, int(expires_at.timestamp()), "")

    def check(self, act: Act, path: str, *, expires: str, signature: str, name: str = "") -> datetime:
        """When the address expires, which it has not. Raises AddressRefused."""
        given = signature.encode("utf-8", "surrogatepass")[:_LONGEST]
        if not hmac.compare_digest(given, self._signature(act, path, expires, name).encode()):
            raise AddressRefused("This address is not one of ours, or was changed.")
        ends = int(expires)
        if ends <= time.time():
            raise AddressRefused("This address has expired. Ask for a new one.")
        return datetime.fromtimestamp(ends, UTC)

    def _signed(self, act: Act, path: str, expires: int, name: str) -> str:
        said = {"expires": str(expires)} | ({"name": name} if name else {})
        signature = self._signature(act, path, str(expires), name)
        return f"{self._root}{path}?{urlencode({**said, 'signature': signature})}"

    def _signature(self, act: Act, path: str, expires: str, name: str) -> str:
        message = "\n".join((act, path, expires, name)).encode("utf-8", "surrogatepass")
        return base64.urlsafe_b64encode(hmac.digest(self._key, message, "sha256")).rstrip(b"=").decode()
