"""What every destination can do, and what passes between its adapter and whoever publishes or synchronises.

An adapter keeps nothing: what it made is told to `note` as soon as it is made, and comes back as `Known`. So whatever
ends a call, the next one knows more and makes nothing twice.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Platform(StrEnum):
    WORDPRESS = "WORDPRESS"
    WEBHOOK = "WEBHOOK"


class RemoteStatus(StrEnum):
    """As what an article stands over there."""

    DRAFT = "DRAFT"
    PENDING = "PENDING"
    PRIVATE = "PRIVATE"
    PUBLISH = "PUBLISH"
    FUTURE = "FUTURE"


class ArticleKind(StrEnum):
    POST = "POST"
    PAGE = "PAGE"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a system is and as whom it is entered; `secret` is an application password or a signing secret."""

    url: str
    username: str | None
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of an article. `content_hash` is the SHA-256 of its bytes, in hex; `read` fetches them."""

    content_hash: str
    filename: str
    mime_type: str
    alt_text: str
    read: Callable[[], Awaitable[bytes]] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Article:
    """What is to stand over there.

    In `html` an image's address is `image:<content hash>` of one of `pictures`: the adapter puts the real one there.
    `key` is ours for ever, of 12 letters and digits: by it the article is found again when an answer was lost.
    `publish_at` belongs to the status FUTURE.
    """

    key: str
    kind: ArticleKind
    title: str
    html: str
    excerpt: str
    slug: str
    status: RemoteStatus
    publish_at: datetime | None = None
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    meta_title: str | None = None
    meta_description: str | None = None
    focus_keyword: str | None = None
    pictures: tuple[Picture, ...] = ()
    #: The content hash of the picture that stands for the whole.
    featured: str | None = None

    @property
    def content_hash(self) -> str:
        """SHA-256 of all that a reader or an editor over there could see, in hex."""
        shown = (
            self.kind, self.title, self.html, self.excerpt, self.slug, self.status,
            self.publish_at and self.publish_at.isoformat(), self.categories, self.tags, self.meta_title,
            self.meta_description, self.focus_keyword, self.featured,
            [(one.content_hash, one.alt_text) for one in self.pictures],
        )  # fmt: skip
        return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Medium:
    """An image as it lies over there."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of an article over there. `fingerprint` is that of the article as we left it."""

    external_id: str | None = None
    fingerprint: str | None = None
    #: By content hash; those of the site's other articles too.
    media: Mapping[str, Medium] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """Something that exists over there from now on: the article, or one of its images (then with its hash)."""

    id: str
    url: str | None
    content_hash: str | None = None


#: Told of everything that was made, at once; it must be remembered before the next request.
Note = Callable[[Made], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Published:
    """The article as it stands over there now. `warnings` are full sentences: what could not be written, and why."""

    external_id: str
    external_url: str
    status: RemoteStatus
    fingerprint: str
    warnings: tuple[str, ...] = ()
    status_code: int | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """An article as it was found over there. `status` None: it is in the trash."""

    external_id: str
    kind: ArticleKind
    url: str
    title: str
    html: str
    excerpt: str
    slug: str
    status: RemoteStatus | None
    published_at: datetime | None
    modified_at: datetime
    fingerprint: str
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One line of a connection's report; `remedy` says what to do where it was not passed."""

    id: str
    passed: bool
    blocking: bool
    message: str
    remedy: str | None = None


class DestinationErrorCode(StrEnum):
    AUTH = "AUTH"
    FORBIDDEN = "FORBIDDEN"
    BLOCKED = "BLOCKED"
    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"
    TOO_LARGE = "TOO_LARGE"
    LIMITED = "LIMITED"
    UNAVAILABLE = "UNAVAILABLE"
    BROKEN_ANSWER = "BROKEN_ANSWER"
    ADDRESS = "ADDRESS"


class DestinationError(Exception):
    """Why it did not go, in a full sentence that says what to do about it, safe to show.

    `unknown`: the request may have been carried out; the next call finds out before it makes anything.
    """

    def __init__(
        self,
        code: DestinationErrorCode,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        unknown: bool = False,
        status_code: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after
        self.unknown = unknown
        self.status_code = status_code


class RemoteChanged(Exception):
    """Somebody changed the article over there since we left it."""

    def __init__(self, theirs: Remote) -> None:
        super().__init__("The article was changed over there since it was published.")
        self.theirs = theirs


class Adapter(Protocol):
    """One system, entered with one address. Methods raise DestinationError; none holds anything between two calls."""

    async def check(self) -> list[Check]:
        """What works: reachable, API found, identity, may create, may upload, what plugins allow, the clock."""
        ...

    async def publish(self, article: Article, known: Known, *, overwrite: bool, note: Note) -> Published:
        """Make the article stand there as given, as one article however often it is called.

        Where `known` names none, one with the article's key is looked for before one is made. Raises RemoteChanged,
        unless `overwrite`.
        """
        ...

    async def retract(self, known: Known) -> None:
        """Take the article away, to where its owner can bring it back from; one that is gone already is gone."""
        ...

    async def look(self, external_id: str) -> Remote | None:
        """The article as it stands; None when it is gone for good."""
        ...

    def changed_since(self, since: datetime | None) -> AsyncIterator[Sequence[Remote]]:
        """Articles that were changed at or after this time, all without one, the oldest change first, in pages."""
        ...

    def ids(self) -> AsyncIterator[Sequence[str]]:
        """Of all articles that are there and not in the trash, in pages: what is not among them is gone."""
        ...

    async def set_status(self, external_id: str, status: RemoteStatus) -> Remote:
        """Change nothing but the status."""
        ...
