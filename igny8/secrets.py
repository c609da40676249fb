"""Secrets at rest: AES-256-GCM with one of several named keys, each blob bound to the row that holds it.

A blob is `version (1 byte) | length of the key id (1) | key id | nonce (12) | ciphertext and tag`. Everything before
the nonce is authenticated along with `bound_to`, so neither a changed header nor a copy of the blob in another row
or tenant can be opened.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from igny8.settings import parse_keys

Sealed = bytes

_VERSION: Final = 1
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16


class SecretUnreadable(Exception):
    """A stored secret cannot be opened: its key is not configured, or the blob is damaged or out of its row."""


class Keyring:
    """The keys of `IGNY8_SECRETS_KEYS`: the first one seals, each of them opens what it sealed."""

    def __init__(self, secrets_keys: SecretStr) -> None:
        keys = parse_keys(secrets_keys)
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.sealing_key_id = next(iter(keys))

    def seal(self, plain: str, *, bound_to: str) -> Sealed:
        """Encrypt. `bound_to` names the place of the secret (`site:<account>:<id>:wp_app_password`) for good."""
        header = _header(self.sealing_key_id)
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.sealing_key_id].encrypt(nonce, plain.encode(), header + bound_to.encode())
        return header + nonce + sealed

    def open(self, blob: Sealed, *, bound_to: str) -> str:
        """Decrypt. Raises SecretUnreadable; its message never tells anything of the secret."""
        key_id = self.key_id(blob)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SecretUnreadable(f"The secret of {bound_to} needs the key {key_id!r}, which is not configured.")
        header = _header(key_id)
        nonce, sealed = blob[len(header) :][:_NONCE_BYTES], blob[len(header) + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, sealed, header + bound_to.encode()).decode()
        except InvalidTag:
            raise SecretUnreadable(f"The secret of {bound_to} was changed, or belongs to another row.") from None

    def reseal(self, blob: Sealed, *, bound_to: str) -> Sealed:
        """The same secret under the first key. Raises SecretUnreadable."""
        return self.seal(self.open(blob, bound_to=bound_to), bound_to=bound_to)

    @staticmethod
    def key_id(blob: Sealed) -> str:
        """Which key sealed the blob: rotation looks for those that differ from `sealing_key_id`."""
        length = blob[1] if len(blob) > 1 else 0
        if len(blob) < 2 + length + _NONCE_BYTES + _TAG_BYTES or blob[0] != _VERSION:
            raise SecretUnreadable("The blob is not a sealed secret of a version that is known here.")
        try:
            return blob[2 : 2 + length].decode()
        except UnicodeDecodeError:
            raise SecretUnreadable("The blob does not name its key.") from None


def _header(key_id: str) -> bytes:
    name = key_id.encode()
    return bytes((_VERSION, len(name))) + name
