"""Tokens: the signed access token of 15 minutes, and the opaque ones (refresh, mail) that are stored as digests.

All keys are derived from `IGNY8_TOKEN_KEY` by HKDF with a label each, so that one can never stand in for another.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from igny8.access import Role
from igny8.errors import Unauthenticated

ACCESS_LIFETIME: Final = timedelta(minutes=15)

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "igny8"
_AUDIENCE: Final = "igny8-api"
_TYPE: Final = "access"
_REQUIRED: Final = ["iss", "aud", "typ", "sub", "acc", "sid", "rol", "iat", "exp"]
_LONGEST: Final = 2_048
_REMEMBERED: Final = 4_096

_EXPIRED: Final = "Your access token has expired; refresh it."
_INVALID: Final = "Your access token is not valid; sign in again."


def derive(token_key: SecretStr, purpose: str) -> bytes:
    """32 bytes for one purpose. Equal purposes give equal keys, in every process."""
    master = base64.b64decode(token_key.get_secret_value(), validate=True)
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"igny8:{purpose}".encode()).derive(master)


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says. It is a hint: the session row decides who the viewer is and what they may do."""

    user_id: UUID
    account_id: UUID
    session_id: UUID
    role: Role
    issued_at: datetime
    expires_at: datetime


class AccessTokens:
    """Issues and reads access tokens; remembers those it has verified, because each comes with many requests."""

    def __init__(self, token_key: SecretStr) -> None:
        self._key = derive(token_key, "access token")
        # By digest, so that a dump of the memory of this process gives no token to anyone.
        self._verified: OrderedDict[bytes, tuple[float, AccessClaims]] = OrderedDict()

    def issue(
        self, *, user_id: UUID, account_id: UUID, session_id: UUID, role: Role, now: datetime
    ) -> tuple[str, datetime]:
        """A token and the moment at which it expires (whole seconds)."""
        expires_at = now.astimezone(UTC).replace(microsecond=0) + ACCESS_LIFETIME
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "typ": _TYPE,
            "sub": user_id.hex,
            "acc": account_id.hex,
            "sid": session_id.hex,
            "rol": role.value,
            "iat": int(now.timestamp()),
            "exp": int(expires_at.timestamp()),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM), expires_at

    def read(self, token: str) -> AccessClaims:
        """The claims of a token that is ours and has not expired. Raises Unauthenticated and says which it is not."""
        if len(token) > _LONGEST or not token.isascii():
            raise Unauthenticated(_INVALID)
        key = digest(token)
        found = self._verified.get(key)
        if found is None:
            claims = self._verify(token)
            self._remember(key, claims)
            return claims
        ends, claims = found
        if ends <= time.time():
            self._verified.pop(key, None)
            raise Unauthenticated(_EXPIRED)
        return claims

    def _verify(self, token: str) -> AccessClaims:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                # A server whose clock is a second behind must not refuse what another has just issued.
                options={"require": _REQUIRED, "verify_iat": False, "strict_aud": True},
            )
            if claims["typ"] != _TYPE:
                raise Unauthenticated(_INVALID)
            return AccessClaims(
                user_id=UUID(hex=claims["sub"]),
                account_id=UUID(hex=claims["acc"]),
                session_id=UUID(hex=claims["sid"]),
                role=Role(claims["rol"]),
                issued_at=datetime.fromtimestamp(claims["iat"], UTC),
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated(_EXPIRED) from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise Unauthenticated(_INVALID) from None

    def _remember(self, key: bytes, claims: AccessClaims) -> None:
        self._verified[key] = (claims.expires_at.timestamp(), claims)
        if len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)


class SecretKind(StrEnum):
    """What an opaque token is for; the value is how its text begins."""

    REFRESH = "igr_"
    MAIL = "igm_"


def new_secret(kind: SecretKind) -> str:
    """A fresh opaque token of 256 random bits."""
    return kind.value + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """The SHA-256 that is stored in place of an opaque token. Any text has one, so a foreign one matches no row."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class RefreshTokens:
    """Rotation in which the next token follows from the present one and our key.

    So a client whose reply was lost can be given the very same successor again, and no token is ever stored.
    """

    def __init__(self, token_key: SecretStr) -> None:
        self._key = derive(token_key, "refresh successor")

    def successor(self, token: str) -> str:
        """The token that replaces this one; without our key nobody can tell it."""
        mac = hmac.digest(self._key, token.encode("utf-8", "surrogatepass"), "sha256")
        return SecretKind.REFRESH.value + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
