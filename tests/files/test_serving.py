"""Stored files are fetched from signed addresses, and from nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from igny8.settings import Settings
from igny8.signed import SignedAddresses
from igny8.storage import FileGone, Storage, is_key, new_key
from tests.support.api import Api
from tests.support.world import Tenant

pytestmark = pytest.mark.anyio

SOON = timedelta(hours=1)


@pytest.fixture
def addresses(settings: Settings) -> SignedAddresses:
    return SignedAddresses(settings.token_key, settings.public_url)


def block(settings: Settings) -> None:
    Path(settings.files_url).write_text("a file where the folder should be")


async def stored(settings: Settings, tenant: Tenant, extension: str, content: bytes = b"content") -> str:
    key = new_key(tenant.id, extension)
    await Storage(settings.files_url).put(key, content)
    return key


async def test_a_picture_is_shown_and_may_be_kept(
    api: Api, tenant: Tenant, settings: Settings, addresses: SignedAddresses
) -> None:
    key = await stored(settings, tenant, "webp")
    url = addresses.picture(key)
    assert url == addresses.picture(key)
    response = await api.http.get(url)
    assert (response.status_code, response.content) == (200, b"content")
    headers = response.headers
    assert headers["content-type"] == "image/webp"
    assert headers["content-disposition"] == "inline"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["referrer-policy"] == "no-referrer"
    kind, age, immutable = headers["cache-control"].split(", ")
    assert (kind, immutable) == ("private", "immutable")
    assert 12 * 3600 - 5 <= int(age.removeprefix("max-age=")) <= 24 * 3600
    again = await api.http.get(url, headers={"If-None-Match": headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await api.http.head(url)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "7", b"")


async def test_everything_else_is_a_download_by_its_name(
    api: Api, tenant: Tenant, settings: Settings, addresses: SignedAddresses
) -> None:
    name = 'keywords "ä".csv\r\nX-Evil: 1'
    key = await stored(settings, tenant, "csv", b"<script>alert(1)</script>")
    response = await api.http.get(addresses.file(key, expires_at=datetime.now(UTC) + SOON, name=name))
    assert response.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert "x-evil" not in response.headers
    plain = await api.http.get(
        addresses.file(await stored(settings, tenant, "txt"), expires_at=datetime.now(UTC) + SOON)
    )
    assert plain.headers["content-type"] == "application/octet-stream"
    assert plain.headers["content-disposition"] == "attachment"


async def test_an_address_that_was_changed_or_has_expired_shows_nothing(
    api: Api, tenant: Tenant, settings: Settings, addresses: SignedAddresses
) -> None:
    key, other = await stored(settings, tenant, "csv"), await stored(settings, tenant, "csv")
    good = addresses.file(key, expires_at=datetime.now(UTC) + SOON, name="a.csv")
    stranger = SignedAddresses(settings.token_key.__class__("A" * 44), settings.public_url)
    tried = {
        "another file": good.replace(key, other),
        "another name": good.replace("a.csv", "b.html"),
        "later": good.replace("expires=1", "expires=9"),
        "no signature": good.partition("&signature")[0],
        "nothing": good.partition("?")[0],
        "expired": addresses.file(key, expires_at=datetime.now(UTC) - timedelta(seconds=1)),
        "other key": stranger.file(key, expires_at=datetime.now(UTC) + SOON),
        "for uploads": addresses.upload(tenant.id, tenant.id, expires_at=datetime.now(UTC) + SOON).replace(
            f"/uploads/{tenant.id.hex}/{tenant.id.hex}", f"/files/{key}"
        ),
    }
    for name, url in tried.items():
        response = await api.http.get(url)
        assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN"), name
        assert "cache-control" not in response.headers
    assert (await api.http.post(good)).status_code == 405


async def test_no_path_leads_out_of_the_store(
    api: Api, settings: Settings, addresses: SignedAddresses, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_text("secret")
    for path in (
        "../secret.csv",
        "%2e%2e/secret.csv",
        "..%2fsecret.csv",
        "/etc/passwd",
        f"{'0' * 32}/../../secret.csv",
    ):
        url = addresses.file(path, expires_at=datetime.now(UTC) + SOON)  # even when we had signed it
        response = await api.http.get(url)
        assert response.status_code in (403, 404)
        assert b"secret" not in response.content
        assert not is_key(path)
        with pytest.raises(ValueError, match="no key"):
            await Storage(settings.files_url).fetch(path)


async def test_a_file_that_is_gone_is_not_found(
    api: Api, tenant: Tenant, settings: Settings, addresses: SignedAddresses
) -> None:
    key, storage = await stored(settings, tenant, "csv"), Storage(settings.files_url)
    url = addresses.file(key, expires_at=datetime.now(UTC) + SOON)
    await storage.delete([key, key])
    assert (await api.http.get(url)).status_code == 404
    with pytest.raises(FileGone):
        await storage.fetch(key)
    assert urlsplit(url).path == f"/files/{key}"


async def test_a_store_that_is_away_is_told(
    api: Api, tenant: Tenant, settings: Settings, addresses: SignedAddresses
) -> None:
    block(settings)
    url = addresses.file(new_key(tenant.id, "csv"), expires_at=datetime.now(UTC) + SOON)
    response = await api.http.get(url)
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
