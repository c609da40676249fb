"""The HTML of contents: cleaned by an allow-list, made plain, and counted in words."""

import html
import re
import unicodedata
from typing import Final

import nh3

#: What contents may hold. Nothing here runs, loads or styles anything; pictures are put in when a content is shown.
_TAGS: Final = frozenset(
    {"p", "h2", "h3", "h4", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "br", "hr"}
    | {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
    | {"a", "strong", "em", "b", "i", "u", "s", "sub", "sup", "code", "q", "cite", "abbr", "mark", "small"}
)
_ATTRIBUTES: Final = {
    "a": frozenset({"href", "title", "rel"}),
    "abbr": frozenset({"title"}),
    "ol": frozenset({"start"}),
    "td": frozenset({"colspan", "rowspan"}),
    "th": frozenset({"colspan", "rowspan", "scope"}),
}
_SCHEMES: Final = frozenset({"https", "mailto"})
_REL: Final = frozenset({"nofollow", "sponsored", "ugc", "noopener", "noreferrer"})
#: The title is shown apart and is the only heading of its level.
_TOP_HEADING: Final = re.compile(r"<(/?)h1(?=[\s>/])", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^>]*>")
#: Tags inside of words; every other one parts words.
_INLINE: Final = re.compile(r"</?(?:strong|em|b|i|u|s|sub|sup|code|q|cite|a|abbr|mark|small)(?:\s[^>]*)?>")
_IDEOGRAPHS: Final = "\\u3040-\\u9fff\\uf900-\\ufaff"
_LETTER: Final = rf"[^\W{_IDEOGRAPHS}]"
#: Signs of scripts without spaces between words count as a word each.
_WORD: Final = re.compile(rf"[{_IDEOGRAPHS}]|{_LETTER}+(?:['\u2019.,\-]{_LETTER}+)*")


def cleaned(markup: str) -> str:
    """The HTML with what is allowed and nothing else, well-formed; cleaning it again changes nothing."""
    sound = "".join(sign for sign in markup if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs"))
    return nh3.clean(
        _TOP_HEADING.sub(r"<\1h2", sound),
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=_kept,
        url_schemes=set(_SCHEMES),
        link_rel=None,
    ).strip()


def plain(markup: str) -> str:
    """The text of HTML in one line; what scripts and styles hold is no text."""
    return " ".join(html.unescape(_TAG.sub(" ", _INLINE.sub("", cleaned(markup)))).split())


def words(markup: str) -> int:
    """How many words a reader of the HTML reads; numbers count, signs between words do not."""
    text = html.unescape(_TAG.sub(" ", _INLINE.sub("", markup)))
    return sum(1 for _ in _WORD.finditer(text))


def line(text: str, most: int) -> str:
    """Text that somebody else wrote as one line without markup, cut at a word to at most `most` characters."""
    whole = plain(text)
    if len(whole) <= most:
        return whole
    cut = whole[:most]
    return (cut if whole[most] == " " or " " not in cut else cut.rpartition(" ")[0]).rstrip(" ,;:-")


def _kept(tag: str, name: str, value: str) -> str | None:
    if name != "rel":
        return value
    return " ".join(part for part in value.lower().split() if part in _REL) or None
