"""Moves every stored secret to the first key of `IGNY8_SECRETS_KEYS`, so that the others can be taken away."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from igny8.auth.outbox import body_place
from igny8.auth.sites import password_place
from igny8.auth.tables import Mail, Site
from igny8.db import Base, Database, LoginRole
from igny8.secrets import Keyring, Sealed, SecretUnreadable
from igny8.system.integration_settings import key_place
from igny8.system.tables import IntegrationSettings

_AT_ONCE: Final = 200

Place = Callable[[UUID, UUID], str]

#: Every column that holds sealed secrets, and what each is bound to. A test finds one that is missing here.
PLACES: Final[Mapping[tuple[type[Base], str], Place]] = {
    (Site, "wp_app_password"): password_place,
    (Mail, "body"): body_place,
    (IntegrationSettings, "api_key"): key_place,
}


@dataclass(frozen=True, slots=True)
class Rotated:
    """How many secrets were sealed anew, and what was said of those that could not be opened."""

    resealed: int
    unreadable: tuple[str, ...]


async def rotate(db: Database, keyring: Keyring) -> Rotated:
    """Seal all that another key has sealed. May run beside everything else, at any time, and twice."""
    resealed, unreadable = 0, []
    async for secret in _all(db):
        try:
            resealed += await _move(db, keyring, secret)
        except SecretUnreadable as error:
            unreadable.append(str(error))
    return Rotated(resealed, tuple(unreadable))


async def unreadable(db: Database, keyring: Keyring) -> list[str]:
    """What is said of each stored secret that cannot be opened. Changes nothing."""
    found = []
    async for secret in _all(db):
        try:
            keyring.open(secret.blob, bound_to=secret.bound_to)
        except SecretUnreadable as error:
            found.append(str(error))
    return found


@dataclass(frozen=True, slots=True)
class _Secret:
    columns: Any
    column: str
    account_id: UUID
    id: UUID
    blob: Sealed
    bound_to: str


async def _all(db: Database) -> AsyncIterator[_Secret]:
    """Every stored secret, some at a time."""
    for (table, column), place in PLACES.items():
        columns: Any = table.__table__.c
        last: tuple[UUID, UUID] | None = None
        while rows := await _next(db, columns, columns[column], last):
            last = (rows[-1].account_id, rows[-1].id)
            for row in rows:
                yield _Secret(columns, column, row.account_id, row.id, row.blob, place(row.account_id, row.id))


async def _next(
    db: Database, columns: Any, secret: sa.ColumnElement[Any], last: tuple[UUID, UUID] | None
) -> list[sa.Row[UUID, UUID, Sealed]]:
    key = sa.tuple_(columns.account_id, columns.id)
    some = sa.select(columns.account_id, columns.id, secret.label("blob")).where(secret.is_not(None))
    if last is not None:
        some = some.where(key > sa.tuple_(*(sa.literal(part, sa.Uuid()) for part in last)))
    async with db.session(LoginRole.SYSTEM) as session:
        found = await session.execute(some.order_by(columns.account_id, columns.id).limit(_AT_ONCE))
        return list(found.all())


async def _move(db: Database, keyring: Keyring, secret: _Secret) -> bool:
    """Seal one secret anew, unless somebody has changed it meanwhile: theirs is sealed by the first key."""
    if keyring.key_id(secret.blob) == keyring.sealing_key_id:
        return False
    columns, blob = secret.columns, secret.blob
    changed: dict[str, object] = {secret.column: keyring.reseal(blob, bound_to=secret.bound_to)}
    if "updated_at" in columns:
        changed["updated_at"] = columns.updated_at
    as_read = sa.and_(
        columns.account_id == secret.account_id, columns.id == secret.id, columns[secret.column] == blob
    )
    async with db.session(LoginRole.SYSTEM) as session:
        moved = await session.execute(
            sa.update(columns.id.table).where(as_read).values(changed).returning(columns.id)
        )
        return moved.first() is not None
