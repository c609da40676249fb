"""Uploads: an address is given, a file is put there once, and it goes again."""

import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from igny8.access import Role
from igny8.db import Database, LoginRole
from igny8.errors import NotAllowedNow, NotFound
from igny8.files import keeping, uploads
from igny8.gql import ids
from igny8.settings import Settings
from igny8.signed import SignedAddresses
from igny8.storage import Storage, new_key
from igny8.transactions import acting_as
from tests.files.conftest import allowed, put, uploaded
from tests.support.api import Api
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

ROWS = b"Keyword,Volume\npuppy food,9900\n"


def files_in(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.files_url).rglob("*") if path.is_file()]


async def read(db: Database, settings: Settings, tenant: Tenant, upload_id: str, *, site: str = "a") -> bytes:
    async with acting_as(db, tenant.id, tenant[Role.EDITOR].id) as session:
        pieces = await uploads.opened(
            session,
            Storage(settings.files_url),
            tenant.id,
            ids.parse("upl", upload_id),
            site_id=tenant.sites[site],
        )
    return b"".join([piece async for piece in pieces])


async def test_what_was_put_is_read_again(api: Api, tenant: Tenant, db: Database, settings: Settings) -> None:
    upload_id = await uploaded(api, tenant, ROWS, kind="text/csv")
    assert await read(db, settings, tenant, upload_id) == ROWS


async def test_a_large_file_passes_through_in_pieces(
    api: Api, tenant: Tenant, db: Database, settings: Settings
) -> None:
    piece, count = ROWS * 8_000, 100

    async def body() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece

    upload = (await allowed(api, tenant, size=len(piece) * count))["upload"]
    tracemalloc.start()
    response = await put(api, upload, body())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert response.json() == {"bytes": len(piece) * count, "mimeType": "text/csv"}
    assert most < 12_000_000 < len(piece) * count
    async with acting_as(db, tenant.id, tenant[Role.EDITOR].id) as session:
        pieces = await uploads.opened(
            session,
            Storage(settings.files_url),
            tenant.id,
            ids.parse("upl", upload["id"]),
            site_id=tenant.sites["a"],
        )
    sizes = [len(one) async for one in pieces]
    assert (sum(sizes), max(sizes) < 1_000_000) == (len(piece) * count, True)


async def test_keys_cannot_be_guessed_and_lie_by_account(api: Api, tenant: Tenant, settings: Settings) -> None:
    await uploaded(api, tenant, ROWS, kind="text/csv")
    await uploaded(api, tenant, ROWS, kind="text/csv")
    first, second = files_in(settings)
    assert first.parent == second.parent == Path(settings.files_url) / tenant.id.hex
    assert len(first.stem) == 64
    assert first.stem != second.stem


async def test_a_file_is_put_once(api: Api, tenant: Tenant, db: Database, settings: Settings) -> None:
    upload = (await allowed(api, tenant))["upload"]
    assert (await put(api, upload, ROWS)).status_code == 200
    again = await put(api, upload, b"others")
    assert (again.status_code, again.json()["errors"][0]["message"]) == (
        409,
        "The file of this upload is here already. Ask for a new one to put another file.",
    )
    assert await read(db, settings, tenant, upload["id"]) == ROWS


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"x" * 1_001, {}, 413),
        (b"x" * 100, {"Content-Length": "1001"}, 413),
        (b"", {}, 400),
        (ROWS, {"Content-Type": "text/html"}, 415),
    ],
    ids=["too large", "says it is too large", "empty", "another type"],
)
async def test_a_body_that_was_not_announced_is_refused_and_leaves_nothing(
    api: Api, tenant: Tenant, settings: Settings, content: bytes, headers: dict[str, str], status: int
) -> None:
    async def unmeasured() -> AsyncIterator[bytes]:
        yield content

    upload = (await allowed(api, tenant))["upload"]
    response = await put(api, upload, unmeasured(), **headers)
    assert response.status_code == status
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert files_in(settings) == []
    assert (await put(api, upload, ROWS)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "text/html"}, "Files of this type cannot be put."),
        ({"kind": "image/svg+xml"}, "Files of this type cannot be put."),
        ({"kind": "application/javascript"}, "Files of this type cannot be put."),
        ({"size": 0}, "has 1 to"),
        ({"size": -1}, "has 1 to"),
        ({"size": 200_000_000}, "has 1 to"),
        ({"kind": "image/png", "size": 30_000_000}, "has 1 to 20,971,520 bytes"),
        ({"name": " "}, "A file needs a name."),
        ({"name": "x" * 300}, "at most 255 characters"),
    ],
)
async def test_what_may_not_be_put_gets_no_address(
    api: Api, tenant: Tenant, world: World, changes: dict[str, Any], said: str
) -> None:
    payload = await allowed(api, tenant, **changes)
    assert payload["upload"] is None
    assert [error["code"] for error in payload["errors"]] == ["VALIDATION"]
    assert said in payload["errors"][0]["message"]
    assert world.sql.execute("SELECT count(*) FROM upload WHERE account_id = %s", [tenant.id]).fetchone() == (0,)


async def test_an_ungranted_site_takes_no_upload(api: Api, tenant: Tenant) -> None:
    payload = await allowed(api, tenant, site="b")
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("NOT_FOUND", ["siteId"])]


async def test_no_upload_larger_than_the_room_of_the_plan(api: Api, world: World) -> None:
    tenant = world.tenant(plan="free-trial")
    world.sql.execute(
        "INSERT INTO stored_file (account_id, key, bytes) VALUES (%s, %s, %s)",
        [tenant.id, new_key(tenant.id, "csv"), 1023 * 1024 * 1024],
    )
    fits = await allowed(api, tenant, size=1024 * 1024)
    assert fits["success"]
    payload = await allowed(api, tenant, size=1024 * 1024 + 1)
    [error] = payload["errors"]
    assert (error["code"], error["details"]["limit"], error["details"]["max"]) == (
        "LIMIT_REACHED",
        "STORAGE_MB",
        1024,
    )


def test_the_counter_of_storage_follows_every_change(world: World, tenant: Tenant) -> None:
    def used() -> int:
        row = world.sql.execute(
            "SELECT used FROM limit_usage WHERE account_id = %s AND \"limit\" = 'STORAGE_MB'", [tenant.id]
        ).fetchone()
        return row[0] if row else 0

    keys = [new_key(tenant.id, "csv") for _ in range(3)]
    values = {"account": tenant.id, "keys": keys, "first": keys[0]}
    seen = []
    for statement in (
        "INSERT INTO stored_file (account_id, key, bytes) SELECT %(account)s, unnest(%(keys)s::text[]), 700 * 1024",
        "UPDATE stored_file SET bytes = bytes * 2 WHERE key = %(first)s",
        "UPDATE stored_file SET expires_at = now() WHERE account_id = %(account)s",
        "DELETE FROM stored_file WHERE key = %(first)s",
        "DELETE FROM stored_file WHERE account_id = %(account)s",
    ):
        world.sql.execute(statement, values)
        seen.append(used())
    assert seen == [3, 3, 3, 2, 0]


def changed(url: str, **values: str) -> str:
    parts = urlsplit(url)
    said = {name: given[0] for name, given in parse_qs(parts.query).items()} | values
    return f"{parts.path}?" + "&".join(f"{name}={value}" for name, value in said.items())


async def test_a_forged_or_expired_address_puts_nothing(api: Api, tenant: Tenant, settings: Settings) -> None:
    upload = (await allowed(api, tenant))["upload"]
    another = (await allowed(api, tenant))["upload"]
    addresses = SignedAddresses(settings.token_key, settings.public_url)
    upload_id = ids.parse("upl", upload["id"])
    past = addresses.upload(tenant.id, upload_id, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    tried = {
        "later": changed(upload["url"], expires="99999999999"),
        "other signature": changed(upload["url"], signature="A" * 43),
        "no signature": urlsplit(upload["url"]).path,
        "no number": changed(upload["url"], expires="soon"),
        "not ASCII": changed(upload["url"], signature="%C3%A9"),
        "signature of another": changed(
            upload["url"], signature=parse_qs(urlsplit(another["url"]).query)["signature"][0]
        ),
        "a file's address": addresses.file(
            f"{tenant.id.hex}/{'0' * 64}.csv", expires_at=datetime.now(UTC) + timedelta(hours=1)
        ).replace("/files/", "/uploads/"),
        "expired": past,
    }
    for name, url in tried.items():
        response = await api.http.put(url, content=ROWS, headers=upload["headers"])
        assert response.status_code in (403, 404), name
        assert name in ("a file's address",) or response.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert files_in(settings) == []


async def test_uploads_of_another_site_or_account_are_not_found(
    api: Api, tenant: Tenant, world: World, db: Database, settings: Settings
) -> None:
    upload_id, stranger = await uploaded(api, tenant, ROWS, kind="text/csv"), world.tenant()
    with pytest.raises(NotFound):
        await read(db, settings, tenant, upload_id, site="b")
    with pytest.raises(NotFound):
        await read(db, settings, stranger, upload_id)
    waiting = (await allowed(api, tenant))["upload"]["id"]
    with pytest.raises(NotAllowedNow):
        await read(db, settings, tenant, waiting)


async def test_what_has_expired_goes_with_its_file(
    api: Api, tenant: Tenant, world: World, db: Database, settings: Settings
) -> None:
    storage = Storage(settings.files_url)
    kept, old = [await uploaded(api, tenant, ROWS, kind="text/csv") for _ in range(2)]
    world.sql.execute(
        "UPDATE stored_file f SET expires_at = now() - interval '1 second' FROM upload u"
        " WHERE u.account_id = f.account_id AND u.file_key = f.key AND u.id = %s",
        [ids.parse("upl", old)],
    )
    world.sql.execute(
        "INSERT INTO stored_file (account_id, key, expires_at) VALUES (%s, %s, now() - interval '1 hour')",
        [tenant.id, f"{tenant.id.hex}/{'0' * 64}.csv"],  # announced and never put
    )
    while await keeping.prune(db, storage):
        pass
    left = world.sql.execute("SELECT id FROM upload WHERE account_id = %s", [tenant.id]).fetchall()
    assert [ids.show("upl", id_) for (id_,) in left] == [kept]
    assert len(files_in(settings)) == 1
    assert world.sql.execute("SELECT count(*) FROM stored_file WHERE account_id = %s", [tenant.id]).fetchone() == (1,)


async def test_a_file_that_comes_when_its_row_is_gone_is_refused(tenant: Tenant, db: Database) -> None:
    async with db.session(LoginRole.SYSTEM) as session:
        key = await keeping.announce(session, tenant.id, "csv", site_id=None)
        await session.execute(keeping.delete(keeping.StoredFile).where(keeping.StoredFile.key == key))
        with pytest.raises(keeping.Conflict):
            await keeping.keep(session, tenant.id, key, 1)


async def test_pages_of_named_origins_may_put_files(api: Api, tenant: Tenant) -> None:
    upload = (await allowed(api, tenant))["upload"]
    asked = {"Origin": "http://igny8.test", "Access-Control-Request-Method": "PUT"}
    preflight = await api.http.options(
        upload["url"], headers={**asked, "Access-Control-Request-Headers": "content-type"}
    )
    assert preflight.headers["access-control-allow-origin"] == "http://igny8.test"
    stranger = await api.http.options(upload["url"], headers={**asked, "Origin": "http://evil.test"})
    assert "access-control-allow-origin" not in stranger.headers
