"""An account at work, and the way to put files."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from igny8.settings import Settings
from tests.support.api import Api
from tests.support.workshop import Providers, Workshop, sandboxes, workshop
from tests.support.world import Tenant, World

CREATE = """mutation($site: ID!, $name: String!, $type: String!, $bytes: Int!) {
  createUpload(siteId: $site, filename: $name, mimeType: $type, bytes: $bytes) {
    success errors { code field message details } upload { id url method headers maxBytes expiresAt } } }"""


@pytest.fixture(scope="module")
def providers() -> Iterator[Providers]:
    with sandboxes() as made:
        yield made


@pytest.fixture
async def shop(settings: Settings, world: World, providers: Providers) -> AsyncIterator[Workshop]:
    async with workshop(settings, world, providers) as made:
        yield made


async def allowed(
    api: Api,
    tenant: Tenant,
    *,
    site: str = "a",
    name: str = "keywords.csv",
    kind: str = "text/csv",
    size: int = 1_000,
) -> dict[str, Any]:
    """The payload of createUpload, by the editor."""
    found: dict[str, Any] = (
        await api.data(CREATE, as_=tenant[Role.EDITOR], site=tenant.site(site), name=name, type=kind, bytes=size)
    )["createUpload"]
    return found


async def put(api: Api, upload: dict[str, Any], content: Any, **headers: str) -> httpx.Response:
    return await api.http.put(upload["url"], content=content, headers={**upload["headers"], **headers})


async def uploaded(api: Api, tenant: Tenant, content: bytes, *, kind: str, site: str = "a") -> str:
    """The id of an upload whose file is there."""
    payload = await allowed(api, tenant, kind=kind, size=len(content), site=site)
    response = await put(api, payload["upload"], content)
    assert response.status_code == 200, response.text
    found: str = payload["upload"]["id"]
    return found


ARTICLE = (
    "<p>Puppies eat often.</p><h2>Portions by <em>age</em></h2><p>At 8 weeks &amp; later.</p><ul><li>One</li></ul>"
    "<h3>Wet or dry</h3><p>Both.</p><h2>When to stop</h2><p>At a year.</p>"
)


def content(shop: Workshop, *, site: str = "a", html: str = ARTICLE, title: str = "How much to feed a puppy") -> str:
    """The id of a new content."""
    id_, tenant = new_id(), shop.tenant
    shop.world.sql.execute(
        "INSERT INTO content (account_id, site_id, sector_id, id, title, slug, html_content, word_count, language)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, 20, 'en')",
        [tenant.id, tenant.sites[site], tenant.sectors[site], id_, title, id_.hex, html],
    )
    return ids.show("con", id_)
