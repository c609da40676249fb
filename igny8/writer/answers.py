"""What models answer when they write, and what of it can be kept."""

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, Field

from igny8.writer import content_values, markup, slugs

#: Search engines show about so many characters.
LONGEST_META_TITLE: Final = 60
LONGEST_META_DESCRIPTION: Final = 156
_LONGEST_LINE: Final = 5_000
_LONGEST_EXCERPT: Final = 400
_MOST_TAGS: Final = 8
_MOST_CATEGORIES: Final = 3
_MOST_KEYWORDS: Final = 20
#: What is left behind when a text was not finished.
_PLACEHOLDER: Final = re.compile(
    r"\{\{|\}\}|\[(?:insert|your|add|placeholder|todo)\b[^\]]*\]|\blorem ipsum\b|\bTODO:|\bTK\b|<data>", re.IGNORECASE
)


def _finished(text: str) -> str:
    if _PLACEHOLDER.search(text):
        raise ValueError("a placeholder was left in the text")
    return text


def _readable(html: str) -> str:
    if markup.words(markup.cleaned(html)) == 0:
        raise ValueError("there is no text")
    return html


Line = Annotated[str, Field(max_length=_LONGEST_LINE), AfterValidator(_finished)]
Html = Annotated[
    str, Field(max_length=content_values.LONGEST_HTML), AfterValidator(_finished), AfterValidator(_readable)
]


class OutlineSection(BaseModel):
    heading: Line = Field(description="What the section is called.")
    level: Literal[2, 3] = Field(description="2 for a section, 3 for a part of one.")
    notes: Line = Field(description="What it has to hold.")


class OutlineAnswer(BaseModel):
    """The plan of an article."""

    sections: list[OutlineSection] = Field(min_length=1, max_length=60)


class ArticleAnswer(BaseModel):
    """An article."""

    title: Line = Field(description="The title, with the main keyword.")
    html: Html = Field(description="The text as HTML, without the title.")
    excerpt: Line = Field(description="One or two sentences: what the reader gets.")
    meta_title: Line = Field(description="At most 60 characters, with the main keyword.")
    meta_description: Line = Field(description="At most 156 characters: a reason to open the page.")
    slug: Line = Field(description="A few words in small letters, with hyphens.")
    primary_keyword: Line
    secondary_keywords: list[Line] = Field(max_length=100)
    tags: list[Line] = Field(max_length=100, description="Three to eight.")
    categories: list[Line] = Field(max_length=100, description="One to three.")


class ContinuationAnswer(BaseModel):
    """What was missing of an article."""

    html: Html = Field(description="The HTML that follows what is there.")


def columns(answer: ArticleAnswer, html: str, *, title: str, keyword: str | None) -> dict[str, object]:
    """The columns of a content, all of it clean; `title` and `keyword` are the task's, and stand in for missing ones.

    `html` is the whole text, clean already. The slug is what the answer suggests.
    """
    found = markup.line(answer.title, content_values.LONGEST_TITLE) or title
    return {
        "title": found,
        "html_content": html,
        "word_count": markup.words(html),
        "slug": slugs.suggested(markup.plain(answer.slug), found, keyword or ""),
        "excerpt": markup.line(answer.excerpt, _LONGEST_EXCERPT) or None,
        "meta_title": markup.line(answer.meta_title, LONGEST_META_TITLE) or markup.line(found, LONGEST_META_TITLE),
        "meta_description": markup.line(answer.meta_description, LONGEST_META_DESCRIPTION) or None,
        "primary_keyword": keyword or markup.line(answer.primary_keyword, content_values.LONGEST_KEYWORD) or None,
        "secondary_keywords": _lines(answer.secondary_keywords, _MOST_KEYWORDS),
        "tags": _lines(answer.tags, _MOST_TAGS),
        "categories": _lines(answer.categories, _MOST_CATEGORIES),
    }


def _lines(texts: Iterable[str], most: int) -> list[str]:
    """Each once, whatever its case."""
    found: dict[str, str] = {}
    for text in texts:
        if one := markup.line(text, content_values.LONGEST_TERM):
            found.setdefault(one.casefold(), one)
    return list(found.values())[:most]
