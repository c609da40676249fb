"""The state of one blog: posts, pages and files (which WordPress keeps together), terms, and the plugin for SEO."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from igny8.devstack.sandbox.wordpress import texts
from igny8.devstack.sandbox.wordpress.people import User

TIMEZONE: Final = ZoneInfo("America/New_York")
SEO: Final = ("none", "rank-math", "yoast", "yoast-writable")
#: What a small plugin makes writable where it is installed.
YOAST_META: Final = ("_yoast_wpseo_title", "_yoast_wpseo_metadesc", "_yoast_wpseo_focuskw")
_MOST_SECONDS_PUBLISHED_AT_ONCE: Final = 60


def now() -> datetime:
    """UTC, in whole seconds as WordPress counts."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True)
class File:
    """The bytes of an attachment and where they are served, below the uploads folder."""

    content: bytes
    path: str
    mime_type: str
    width: int
    height: int


@dataclass(slots=True)
class Post:
    """`kind` is post, page or attachment. `dated` is False while a draft's date floats."""

    id: int
    kind: str
    author: int
    date: datetime
    modified: datetime
    title: str = ""
    content: str = ""
    excerpt: str = ""
    slug: str = ""
    status: str = "draft"
    dated: bool = False
    parent: int = 0
    menu_order: int = 0
    featured_media: int = 0
    sticky: bool = False
    format: str = "standard"
    password: str = ""
    categories: list[int] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    alt_text: str = ""
    file: File | None = None
    #: SEO texts that a plugin keeps.
    seo: dict[str, str] = field(default_factory=dict)
    #: The status and slug before the trash.
    before_trash: tuple[str, str] | None = None


@dataclass(slots=True)
class Term:
    """`taxonomy` is category or post_tag; `name` is escaped."""

    id: int
    taxonomy: str
    name: str
    slug: str
    description: str = ""
    parent: int = 0


class Blog:
    """`key` is its name in the sandbox. Ids are never used again, not even after `empty`."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.name = f"Sandbox blog {key}".rstrip()
        self.seo = "none"
        self._ids = itertools.count(4)
        self._term_ids = itertools.count(2)
        self.empty()

    def empty(self) -> None:
        """No posts, files and terms; one category is left, which no blog is without."""
        self.posts: dict[int, Post] = {}
        self.terms: dict[int, Term] = {1: Term(1, "category", "Uncategorized", "uncategorized")}
        self.seo = "none"

    def new_post(self, kind: str, author: User) -> Post:
        """A draft that is not in the blog yet (`add`)."""
        at = now()
        return Post(next(self._ids), kind, author.id, at, at)

    def add(self, post: Post) -> None:
        self.posts[post.id] = post

    def new_term(self, taxonomy: str, name: str, slug: str) -> Term:
        return Term(next(self._term_ids), taxonomy, name, slug)

    def of_kind(self, kind: str) -> Iterator[Post]:
        return (post for post in self.posts.values() if post.kind == kind)

    def of_taxonomy(self, taxonomy: str) -> Iterator[Term]:
        return (term for term in self.terms.values() if term.taxonomy == taxonomy)

    def uses(self, term: Term) -> int:
        """How many published posts have the term."""
        ids = (post.categories if term.taxonomy == "category" else post.tags for post in self._published())
        return sum(term.id in listed for listed in ids)

    def forget(self, post: Post) -> None:
        del self.posts[post.id]
        for other in self.posts.values():
            if other.featured_media == post.id:
                other.featured_media = 0

    def forget_term(self, term: Term) -> None:
        del self.terms[term.id]
        for post in self.posts.values():
            ids = post.categories if term.taxonomy == "category" else post.tags
            if term.id in ids:
                ids.remove(term.id)
            if term.taxonomy == "category" and not ids and post.kind == "post":
                ids.append(1)

    def free_slug(self, wanted: str, post: Post) -> str:
        """`wanted`, or with the first number from 2 that is free. A post's number alone would be taken for a date."""
        taken = {
            other.slug
            for other in self.posts.values()
            if other is not post
            and (other.kind == post.kind or ("attachment" in (other.kind, post.kind) and post.kind != "post"))
        }
        if wanted not in taken and not (post.kind == "post" and wanted.isdigit()):
            return wanted
        return next(slug for n in itertools.count(2) if (slug := f"{wanted}-{n}") not in taken)

    def settle(self, post: Post) -> None:
        """What WordPress does at every save: due and not due, a date for what is out, a slug that is its own."""
        if post.status in ("publish", "future"):
            ahead = (post.date - now()).total_seconds() if post.dated else 0
            post.status = "future" if ahead >= _MOST_SECONDS_PUBLISHED_AT_ONCE else "publish"
        if post.status in ("publish", "future", "private") and not post.dated:
            post.date, post.dated = now(), True
        if post.status not in ("draft", "pending"):
            post.slug = self.free_slug(post.slug or texts.slug(post.title) or str(post.id), post)

    def make_due(self, number: int) -> None:
        """Let the time of a scheduled post come."""
        self.posts[number].date = now()

    def publish_due(self) -> None:
        """WordPress's cron, which runs because somebody asked for something."""
        for post in self.posts.values():
            if post.status == "future" and post.date <= now():
                post.status = "publish"

    def page_at(self, path: str) -> Post | None:
        """What everybody may read at the address that ends with `path`."""
        slug = path.strip("/").rpartition("/")[2]
        return next((post for post in self._published() if post.slug == slug), None)

    def file_at(self, path: str) -> File | None:
        return next((post.file for post in self.posts.values() if post.file and post.file.path == path), None)

    def _published(self) -> Iterator[Post]:
        return (post for post in self.posts.values() if post.status == "publish")
