"""How often each public flow may be tried. All of these raise RateLimited.

Attempts count before they are looked at, so that a hundred at once are a hundred; beside that, guesses at one user
have to wait longer and longer.
"""

import hashlib
from typing import Final

from igny8.auth import emails
from igny8.auth.desk import Desk, Origin

_MINUTE: Final = 60
_HOUR: Final = 3_600


async def before_password(desk: Desk, origin: Origin, email: str) -> None:
    """Before a password is compared, in a sign-in or to confirm something delicate."""
    await desk.throttle.hit(f"password:from:{_network(origin)}", most=60, seconds=_MINUTE)
    await desk.throttle.hit(f"password:for:{_person(email)}", most=20, seconds=_MINUTE)
    await desk.throttle.failures(f"password:{_person(email)}")


async def password_was_wrong(desk: Desk, email: str) -> None:
    """The next attempt has to wait, whether anybody has the address or not."""
    await desk.throttle.failed(f"password:{_person(email)}")


async def password_was_right(desk: Desk, email: str) -> None:
    """The waiting is over."""
    await desk.throttle.succeeded(f"password:{_person(email)}")


async def before_sign_up(desk: Desk, origin: Origin) -> None:
    """Before an account is made."""
    await desk.throttle.hit(f"sign-up:from:{_network(origin)}", most=20, seconds=_HOUR)


async def before_mail(desk: Desk, origin: Origin, email: str) -> None:
    """Before a flow in which anybody can have a mail sent to any address."""
    await desk.throttle.hit(f"mail:from:{_network(origin)}", most=30, seconds=_HOUR)
    await desk.throttle.hit(f"mail:to:{_person(email)}", most=5, seconds=_HOUR)


async def before_secret(desk: Desk, origin: Origin) -> None:
    """Before a mailed secret is taken: nobody guesses one, but looking it up and hashing a password are not free."""
    await desk.throttle.hit(f"secret:from:{_network(origin)}", most=60, seconds=_MINUTE)


def _network(origin: Origin) -> str:
    return origin.ip_address or "unknown"


def _person(email: str) -> str:
    """Short, and no address to be read in Redis."""
    return hashlib.sha256(emails.key(email).encode("utf-8", "surrogatepass")).hexdigest()[:32]
