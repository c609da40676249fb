"""How often each public flow may be tried; all of them raise RateLimited.

Every attempt counts before it is looked at, so that a hundred at once are a hundred.
"""

from igny8.auth.desk import Desk, Origin


async def before_sign_in(desk: Desk, origin: Origin, email: str) -> None:
    """Also for other proofs of a password: guesses at one user wait longer and longer."""


async def proved(desk: Desk, email: str) -> None:
    """The right password was given: the waiting is over."""


async def before_sign_up(desk: Desk, origin: Origin) -> None:
    """New accounts by address of the network."""


async def before_mail(desk: Desk, origin: Origin, email: str) -> None:
    """For flows in which anybody can have a mail sent to any address."""
