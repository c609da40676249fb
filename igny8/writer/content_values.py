"""What a content may hold when somebody gives it, as the columns that keep it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from igny8 import inputs
from igny8.auth.site_inputs import language as language_tag
from igny8.errors import ValidationFailed
from igny8.inputs import KEEP, Check, Field, Keep
from igny8.planner.tables import ContentStructure, ContentType
from igny8.writer import markup, slugs

LONGEST_TITLE: Final = 300
LONGEST_HTML: Final = 300_000
LONGEST_EXCERPT: Final = 1_000
LONGEST_META_TITLE: Final = 200
LONGEST_META_DESCRIPTION: Final = 500
LONGEST_KEYWORD: Final = 300
LONGEST_TERM: Final = 100
MOST_TERMS: Final = 30


def _title(value: str | None, field: Field) -> str:
    return inputs.name(value, field, longest=LONGEST_TITLE)


def _slug(value: str | None, field: Field) -> str:
    return slugs.checked(inputs.required(value, field), field)


def _excerpt(value: str | None, field: Field) -> str | None:
    return inputs.text(value, field, longest=LONGEST_EXCERPT)


def _meta_title(value: str | None, field: Field) -> str | None:
    return inputs.text(value, field, longest=LONGEST_META_TITLE)


def _meta_description(value: str | None, field: Field) -> str | None:
    return inputs.text(value, field, longest=LONGEST_META_DESCRIPTION)


def _keyword(value: str | None, field: Field) -> str | None:
    return inputs.name(value, field, longest=LONGEST_KEYWORD) if (value or "").strip() else None


_CHECKS: Final[dict[str, Check]] = {
    "title": _title,
    "slug": _slug,
    "excerpt": _excerpt,
    "language": language_tag,
    "meta_title": _meta_title,
    "meta_description": _meta_description,
    "primary_keyword": _keyword,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentChange:
    """What is to be different; what is `KEEP` stays as it is, or as new contents are."""

    title: str | Keep | None = KEEP
    html_content: str | Keep | None = KEEP
    slug: str | Keep | None = KEEP
    excerpt: str | Keep | None = KEEP
    language: str | Keep | None = KEEP
    sector_id: UUID | Keep | None = KEEP
    cluster_id: UUID | Keep | None = KEEP
    author_profile_id: UUID | Keep | None = KEEP
    content_type: ContentType | Keep | None = KEEP
    content_structure: ContentStructure | Keep | None = KEEP
    meta_title: str | Keep | None = KEEP
    meta_description: str | Keep | None = KEEP
    primary_keyword: str | Keep | None = KEEP
    secondary_keywords: Sequence[str] | Keep | None = KEEP
    tags: Sequence[str] | Keep | None = KEEP
    categories: Sequence[str] | Keep | None = KEEP


def columns(given: ContentChange) -> dict[str, object]:
    """The columns that change, the HTML cleaned and its words counted. Raises ValidationFailed."""
    values = inputs.checked(_CHECKS, {name: getattr(given, name) for name in _CHECKS})
    for name in ("cluster_id", "author_profile_id"):
        if getattr(given, name) is not KEEP:
            values[name] = getattr(given, name)
    if given.sector_id is not KEEP:
        values["sector_id"] = inputs.required(given.sector_id, ("input", "sectorId"))
    if given.content_type is not KEEP:
        values["content_type"] = inputs.required(given.content_type, ("input", "contentType")).value
    if given.content_structure is not KEEP:
        values["content_structure"] = inputs.required(given.content_structure, ("input", "contentStructure")).value
    if given.html_content is not KEEP:
        values |= _html(given.html_content)
    for name, public in (("secondary_keywords", "secondaryKeywords"), ("tags", "tags"), ("categories", "categories")):
        terms = getattr(given, name)
        if terms is not KEEP:
            values[name] = _terms(terms or (), ("input", public))
    return values


def _html(given: str | None) -> dict[str, object]:
    field = ("input", "htmlContent")
    markup_given = inputs.required(given, field)
    if len(markup_given) > LONGEST_HTML:
        raise ValidationFailed(
            f"This may have at most {LONGEST_HTML:,} characters; it has {len(markup_given):,}.", field=field
        )
    html = markup.cleaned(markup_given)
    return {"html_content": html, "word_count": markup.words(html)}


def _terms(given: Sequence[str], field: Field) -> list[str]:
    """Each once, whatever its case; blank ones are none."""
    if len(given) > MOST_TERMS:
        raise ValidationFailed(f"Give at most {MOST_TERMS}.", field=field)
    found: dict[str, str] = {}
    for number, term in enumerate(given):
        if term.strip():
            name = inputs.name(term, (*field, str(number)), longest=LONGEST_TERM)
            found.setdefault(name.casefold(), name)
    return list(found.values())
