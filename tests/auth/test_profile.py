"""Names and addresses that users change themselves."""

import pytest

from igny8.access import Role
from igny8.auth import password_reset, profile, verification
from igny8.auth.sessions import SignedIn
from igny8.auth.sign_in import sign_in
from igny8.errors import AlreadyExists, DomainError, ValidationFailed
from tests.auth.people import PASSWORD, House

pytestmark = pytest.mark.anyio


async def change_email(house: House, who: SignedIn, email: str | None, password: str | None = PASSWORD) -> None:
    member = who.member
    person = await profile.confirm_for_email(
        house.desk,
        house.origin,
        account_id=member.account_id,
        user_id=member.user_id,
        current_password=password,
    )
    async with house.writing(who) as (session, _):
        await profile.change_email(session, house.desk.outbox, person, email)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
async def test_everybody_is_called_as_they_wish(house: House, role: Role) -> None:
    who = await house.join(await house.sign_up(), "bob@example.com", role)
    async with house.writing(who) as (session, viewer):
        await profile.rename(session, " Robert  Bob ", account_id=viewer.account_id, user_id=viewer.user_id)
    assert house.row("SELECT name FROM app_user WHERE email = 'bob@example.com'") == {"name": "Robert Bob"}
    assert house.changes()[-1] == ("UPDATED", "User", {"changed": "name"})


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
async def test_a_new_address_has_to_be_proved_and_the_old_one_is_told(house: House, role: Role) -> None:
    who = await house.join(await house.sign_up(), "bob@example.com", role)
    await password_reset.request(house.desk, house.origin, "bob@example.com")
    old_link = house.mails("bob@example.com")[-1].token
    await change_email(house, who, "Robert@Example.com")
    user = house.row("SELECT email, email_key, email_verified FROM app_user WHERE id = %s", who.member.user_id)
    assert user == {"email": "Robert@Example.com", "email_key": "robert@example.com", "email_verified": False}
    assert house.mails("bob@example.com")[-1].subject == "Your e-mail address was changed"
    with pytest.raises(ValidationFailed):
        await password_reset.reset(house.desk, house.origin, old_link, PASSWORD)
    await verification.verify(house.desk, house.origin, house.mails("Robert@Example.com")[-1].token)
    again = await sign_in(house.desk, house.origin, email="robert@example.com", password=PASSWORD)
    assert again.member.user_id == who.member.user_id
    assert house.row("SELECT balance FROM wallet") == {"balance": 0}


@pytest.mark.parametrize(
    ("email", "password", "error", "field"),
    [
        ("new@example.com", None, ValidationFailed, "currentPassword"),
        ("new@example.com", "wrong password", ValidationFailed, "currentPassword"),
        ("nonsense", PASSWORD, ValidationFailed, "email"),
        (None, PASSWORD, ValidationFailed, "email"),
        ("ADA@example.com", PASSWORD, AlreadyExists, "email"),
    ],
)
async def test_a_refused_address_changes_nothing(
    house: House, email: str | None, password: str | None, error: type[DomainError], field: str
) -> None:
    who = await house.join(await house.sign_up(), "bob@example.com", Role.EDITOR)
    before = house.everything()
    with pytest.raises(error) as refused:
        await change_email(house, who, email, password)
    assert refused.value.field == ("input", field)
    assert house.everything() == before
