"""`igny8 secrets rotate`: every stored secret moves to the first key, and opens as before."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from igny8 import doctor
from igny8.auth.outbox import body_place
from igny8.auth.sites import password_place
from igny8.db import Database, new_id
from igny8.secrets import Keyring
from igny8.system import rotation
from igny8.system.integration_settings import key_place
from igny8.tables import metadata
from tests.support.world import World

pytestmark = pytest.mark.anyio

OLD, NEW = (f"{name}:{base64.b64encode(name[0].encode() * 32).decode()}" for name in ("old", "new"))
KEY = "sk-canary-rotation-0123"

Cli = Callable[[str], subprocess.CompletedProcess[str]]


def ring(*keys: str) -> Keyring:
    return Keyring(SecretStr(",".join(keys)))


@pytest.fixture
def cli(database_urls: dict[str, str], superuser: psycopg.Connection[Any]) -> Cli:
    superuser.execute("TRUNCATE account CASCADE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IGNY8_")}
    kept |= {f"IGNY8_DATABASE_{role.upper()}_URL": url for role, url in database_urls.items()}

    def rotate(keys: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "igny8", "secrets", "rotate"],
            env={**kept, "IGNY8_SECRETS_KEYS": keys},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return rotate


def furnished(world: World, keyring: Keyring) -> dict[tuple[str, str], tuple[UUID, UUID, str]]:
    """An account with a secret in every place: by table and column the row, and what its secret is bound to."""
    tenant = world.tenant()
    site_id, mail_id, settings_id = tenant.sites["a"], new_id(), new_id()
    place = password_place(tenant.id, site_id)
    world.sql.execute(
        "UPDATE site SET wp_app_password = %s WHERE id = %s", (keyring.seal(KEY, bound_to=place), site_id)
    )
    world.sql.execute(
        "INSERT INTO mail (account_id, id, recipient, subject, body, failed_at) VALUES (%s, %s, 'a@b.c', 's', %s, now())",
        (tenant.id, mail_id, keyring.seal(KEY, bound_to=body_place(tenant.id, mail_id))),
    )
    world.sql.execute(
        "INSERT INTO integration_settings (account_id, id, integration_type, api_key, api_key_last4)"
        " VALUES (%s, %s, 'OPENAI', %s, '0123')",
        (tenant.id, settings_id, keyring.seal(KEY, bound_to=key_place(tenant.id, settings_id))),
    )
    return {
        ("site", "wp_app_password"): (tenant.id, site_id, place),
        ("mail", "body"): (tenant.id, mail_id, body_place(tenant.id, mail_id)),
        ("integration_settings", "api_key"): (tenant.id, settings_id, key_place(tenant.id, settings_id)),
    }


def blobs(world: World, rows: dict[tuple[str, str], tuple[UUID, UUID, str]]) -> list[tuple[bytes, str]]:
    found = []
    for (table, column), (account_id, id_, place) in rows.items():
        row = world.sql.execute(
            f"SELECT {column} FROM {table} WHERE account_id = %s AND id = %s", (account_id, id_)
        ).fetchone()
        assert row is not None
        found.append((row[0], place))
    return found


def test_every_column_of_secrets_is_rotated() -> None:
    secret = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.c
        if column.info.get("secret")
    }
    rotated = {(table.__tablename__, column) for table, column in rotation.PLACES}
    assert rotated == secret | {("mail", "body")}


def test_every_secret_moves_to_the_first_key(cli: Cli, world: World) -> None:
    accounts = [furnished(world, ring(OLD)) for _ in range(3)]
    untouched = world.sql.execute("SELECT id, updated_at FROM integration_settings ORDER BY id").fetchall()
    done = cli(f"{NEW},{OLD}")
    assert (done.returncode, done.stdout) == (0, "Sealed 9 anew with the key new.\n"), done.stderr
    for rows in accounts:
        for blob, place in blobs(world, rows):
            assert ring(NEW).open(blob, bound_to=place) == KEY
    assert world.sql.execute("SELECT id, updated_at FROM integration_settings ORDER BY id").fetchall() == untouched
    assert cli(f"{NEW},{OLD}").stdout == "Sealed 0 anew with the key new.\n"
    assert KEY not in done.stdout + done.stderr


def test_more_than_fits_into_one_step_moves(cli: Cli, world: World) -> None:
    tenant, keyring = world.tenant(), ring(OLD)
    rows = [
        (tenant.id, id_, keyring.seal(KEY, bound_to=body_place(tenant.id, id_)))
        for id_ in (new_id() for _ in range(450))
    ]
    with world.sql.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO mail (account_id, id, recipient, subject, body, failed_at) VALUES (%s, %s, 'a', 's', %s, now())",
            rows,
        )
    assert cli(f"{NEW},{OLD}").stdout == "Sealed 450 anew with the key new.\n"


def test_what_cannot_be_opened_is_named_and_left(cli: Cli, world: World) -> None:
    furnished(world, ring(OLD))
    stranger = furnished(world, ring(f"third:{base64.b64encode(b't' * 32).decode()}"))
    before = blobs(world, stranger)
    done = cli(f"{NEW},{OLD}")
    assert done.returncode == 1
    assert done.stdout == "Sealed 3 anew with the key new.\n"
    assert done.stderr.count("needs the key 'third', which is not configured") == 3
    assert blobs(world, stranger) == before


async def test_the_doctor_names_what_cannot_be_opened_and_changes_nothing(db: Database, world: World) -> None:
    world.sql.execute("TRUNCATE account CASCADE")
    mine, strangers = furnished(world, ring(OLD)), furnished(world, ring(NEW))
    before = blobs(world, mine), blobs(world, strangers)
    _, wrong = await doctor.examine(db, ring(OLD))
    assert len(wrong) == 3
    assert all("needs the key 'new', which is not configured" in line for line in wrong)
    assert KEY not in str(wrong)
    assert (blobs(world, mine), blobs(world, strangers)) == before


def test_a_fault_in_the_keys_is_told_without_them(cli: Cli) -> None:
    done = cli("secret-but-no-key")
    assert done.returncode == 1
    assert "IGNY8_SECRETS_KEYS: must be a comma separated list" in done.stderr
    assert "secret-but-no-key" not in done.stderr
