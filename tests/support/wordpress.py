"""The fixture `blog`: a clean WordPress to publish to, the sandbox's or a real one, which a test cannot tell apart.

Each test that asks for `blog` runs against the sandbox. With IGNY8_TEST_WORDPRESS=1 (`make test-wordpress`) it runs
against the real one instead, and is marked `wordpress`.
"""

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx
import pytest

from igny8.devstack.sandbox.wordpress.app import wordpress_app
from igny8.devstack.sandbox.wordpress.people import PASSWORDS
from igny8.devstack.sandbox.wordpress.unreliable import UNCOUNTED
from tests.support.live import serving
from tests.wordpress import instance
from tests.wordpress.front import front_app

REAL: Final = "IGNY8_TEST_WORDPRESS"
Json = dict[str, Any]


class Login(NamedTuple):
    """A login name and an application password of this user."""

    name: str
    password: str


@dataclass(frozen=True)
class Blog:
    """`url` is what a user would type, without a slash at the end; the sandbox's has a path, the real one's has none.

    `users` has a login for each role: administrator, editor, author, contributor, subscriber. The user's name is the
    role's. The blog's time is New York's, its permalinks are `/%postname%/`, and no SEO plugin is there.
    """

    kind: str
    url: str
    users: Mapping[str, Login]

    def fresh(self) -> "Blog":
        """The same blog with no post, page, file, term, rule or call; one category, Uncategorized (id 1), is left."""
        self._asked("POST", "/_sandbox/empty")
        return self

    def posts(self, kind: str = "posts") -> list[Json]:
        """All posts as an administrator sees them (`context=edit`), the trashed too, ordered by id; or all `pages`."""
        statuses = "publish,future,draft,pending,private,trash"
        return self._listed(kind, status=statuses)

    def media(self) -> list[Json]:
        """All files, ordered by id."""
        return self._listed("media")

    def terms(self, kind: str = "tags") -> list[Json]:
        """All `tags` or `categories`, ordered by id."""
        return self._listed(kind)

    def misbehave(
        self, behaviour: str, *, method: str | None = None, route: str = "", times: int | None = 1, skip: int = 0
    ) -> None:
        """Misbehave at the next `times` requests (None: all) by `method` to routes or paths that begin like `route`.

        `route` is like "/wp/v2/posts", however it is asked for; the first `skip` requests that fit are served well.
        Behaviours: unauthorized, firewall (403 HTML), plain-permalinks (404 for /wp-json, never for ?rest_route=),
        too-large (413), rate-limited (429, Retry-After 1), unavailable (503, Retry-After 1), bad-gateway (502, nothing
        done), gateway-timeout (504, done), error-500, stripped (no Authorization header), notice (PHP's, before the
        JSON), slow-N (seconds), lost (no reply, nothing done), dropped (no reply, done), hang (never a reply, nothing
        done), stalled (never a reply, done).
        """
        rule = {"behaviour": behaviour, "method": method, "route": route, "times": times, "skip": skip}
        self._asked("POST", "/_sandbox/rules", json=rule)

    def behave(self) -> None:
        """End all misbehaviour."""
        self._asked("DELETE", "/_sandbox/rules")

    def calls(self) -> list[Json]:
        """The requests since `fresh()`: method, path, route, behaviour, and the status that WordPress answered.

        Requests of this object are not among them, and no misbehaviour befalls them.
        """
        calls: list[Json] = self._asked("GET", "/_sandbox/calls").json()["calls"]
        return calls

    def writes(self) -> list[tuple[str, str]]:
        """Method and route of the calls that were no reading."""
        return [(call["method"], call["route"]) for call in self.calls() if call["method"] not in ("GET", "HEAD")]

    def rest(self, method: str, route: str, role: str | None = "administrator", **options: Any) -> httpx.Response:
        """One REST request (`route` like "/wp/v2/posts") by the user of a role, or by nobody."""
        return self._asked(method, f"/wp-json{route}", role, **options)

    def page(self, address: str) -> httpx.Response:
        """What a reader sees at an address of the blog."""
        return self._asked("GET", address.removeprefix(self.url))

    def make_due(self, post_id: int) -> None:
        """Let the time of a scheduled post come. WordPress publishes it because of the next visit, not before."""
        self._asked("POST", "/_sandbox/due", json={"id": post_id}).raise_for_status()

    def install_seo(self, plugin: str) -> None:
        """Install rank-math, yoast, or yoast-writable (its texts are registered for REST). Only the sandbox has them."""
        if self.kind == "real":
            pytest.skip("Debian has no package of SEO plugins for WordPress")
        self._asked("POST", "/_sandbox/seo", json={"plugin": plugin}).raise_for_status()

    def _listed(self, kind: str, **parameters: str) -> list[Json]:
        found: list[Json] = []
        for page in itertools.count(1):
            asked = {"context": "edit", "per_page": "100", "orderby": "id", "order": "asc", "page": str(page)}
            answer = self.rest("GET", f"/wp/v2/{kind}", params=asked | parameters).raise_for_status()
            found += answer.json()
            if page >= int(answer.headers["X-WP-TotalPages"]):
                break
        return found

    def _asked(self, method: str, path: str, role: str | None = None, **options: Any) -> httpx.Response:
        headers = {UNCOUNTED: "1", **options.pop("headers", {})}
        auth = tuple(self.users[role]) if role else None
        return httpx.request(method, f"{self.url}{path}", headers=headers, auth=auth, timeout=60, **options)


@pytest.fixture(scope="session")
def wordpress_server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Mapping[str, Login]]]:
    """The address of a server with a WordPress, and its users."""
    if os.environ.get(REAL) != "1":
        with serving(wordpress_app()) as url:
            yield url, _logins(PASSWORDS)
        return
    if packages := instance.missing_packages():
        pytest.fail(f"These Debian packages are missing: {' '.join(packages)}")
    with instance.running() as real, serving(front_app(real)) as url:
        yield url, _logins(real.passwords)


@pytest.fixture
def blog(wordpress_server: tuple[str, Mapping[str, Login]], kind_of_blog: str) -> Blog:
    """A clean WordPress of this test's own."""
    url, users = wordpress_server
    place = f"{url}/wordpress/{uuid4().hex[:8]}" if kind_of_blog == "sandbox" else url
    return Blog(kind_of_blog, place, users).fresh()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "blog" in metafunc.fixturenames:
        real = os.environ.get(REAL) == "1"
        kind = pytest.param("real", marks=pytest.mark.wordpress) if real else pytest.param("sandbox")
        metafunc.parametrize("kind_of_blog", [kind], scope="session")


def _logins(passwords: Mapping[str, str]) -> Mapping[str, Login]:
    return {role: Login(role, password) for role, password in passwords.items()}
