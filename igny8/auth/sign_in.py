"""Signing in with e-mail address and password.

Nobody learns from the answer, or from how long it takes, whether an address is known: unknown users, wrong
passwords and users who may not sign in are refused alike.
"""

from typing import Final

from igny8 import transactions
from igny8.auth import attempts, passwords, people, sessions
from igny8.auth.desk import Desk, Origin
from igny8.auth.people import Person
from igny8.auth.sessions import SignedIn
from igny8.errors import ValidationFailed

REFUSED: Final = "The e-mail address or the password is wrong."


async def sign_in(
    desk: Desk, origin: Origin, *, email: str, password: str, account_slug: str | None = None
) -> SignedIn:
    """A new session of the one user with this address and password.

    Raises ValidationFailed; with field `accountSlug` when the password is right in several accounts.
    """
    await attempts.before_password(desk, origin, email)
    while True:
        matching = await _matching(await people.known_as(desk.db, email, account_slug=account_slug), password)
        if not matching:
            await attempts.password_was_wrong(desk, email)
            raise ValidationFailed(REFUSED)
        if len(matching) > 1:
            raise _asks_for_account(matching)
        signed_in = await _begin(desk, origin, matching[0])
        if signed_in is not None:
            break
    await attempts.password_was_right(desk, email)
    return signed_in


async def _matching(known: list[Person], password: str) -> list[Person]:
    if not known:
        await passwords.verify(None, password)
    return [person for person in known if await passwords.verify(person.password_hash, password)]


def _asks_for_account(matching: list[Person]) -> ValidationFailed:
    slugs = ", ".join(sorted(person.account_slug for person in matching))
    return ValidationFailed(
        f"You have several accounts ({slugs}). Say with accountSlug which one you mean.",
        field=("input", "accountSlug"),
        details={"accountSlugs": slugs},
    )


async def _begin(desk: Desk, origin: Origin, person: Person) -> SignedIn | None:
    """None when the user changed (password, status, role) since the password was checked."""
    async with (
        transactions.acting_as(desk.db, person.account_id, person.user_id) as session,
        transactions.logged(session, origin.actor(person.account_id, person.user_id)),
    ):
        return await sessions.begin(
            session,
            desk.access_tokens,
            origin,
            account_id=person.account_id,
            user_id=person.user_id,
            unchanged_since=person.updated_at,
        )
