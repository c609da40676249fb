"""What WordPress does to texts before it keeps them."""

import html
import re
import unicodedata
from typing import Final

#: Tags and attributes that the filter for untrusted authors leaves (wp_kses_post), those that articles use.
_EVERYWHERE: Final = {"class", "id", "style", "title", "role", "dir", "lang"}
_ALLOWED: Final = {
    **dict.fromkeys(
        [
            "p",
            "br",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "ul",
            "ol",
            "li",
            "strong",
            "em",
            "b",
            "i",
            "u",
            "s",
            "code",
            "pre",
            "blockquote",
            "figure",
            "figcaption",
            "hr",
            "div",
            "span",
            "section",
            "article",
            "aside",
            "header",
            "footer",
            "dl",
            "dt",
            "dd",
            "table",
            "caption",
            "thead",
            "tbody",
            "tfoot",
            "tr",
            "th",
            "td",
            "sub",
            "sup",
            "small",
            "mark",
            "cite",
            "q",
            "abbr",
            "details",
            "summary",
            "kbd",
            "time",
        ],
        frozenset[str](),
    ),
    "a": frozenset({"href", "rel", "target", "name", "download"}),
    "img": frozenset({"src", "alt", "width", "height", "srcset", "sizes", "loading", "align"}),
    "ol": frozenset({"start", "type", "reversed"}),
    "th": frozenset({"scope", "colspan", "rowspan", "align"}),
    "td": frozenset({"colspan", "rowspan", "align"}),
    "blockquote": frozenset({"cite"}),
}
#: What a title may hold.
_INLINE: Final = {"a", "abbr", "b", "blockquote", "cite", "code", "em", "i", "q", "s", "strong"}
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s[^<>]*)?)>")
_ATTRIBUTE: Final = re.compile(r"""([a-zA-Z][\w-]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
_BARE_AND: Final = re.compile(r"&(?!(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);)")

#: Those that Unicode does not take apart.
_LETTERS: Final = str.maketrans({"ß": "s", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d"})


def filtered(text: str, *, inline: bool = False) -> str:
    """As it is kept of a user without `unfiltered_html`: unknown tags go, what they enclose stays."""

    def tag(found: re.Match[str]) -> str:
        closing, name, rest = found[1], found[2].lower(), found[3]
        if name not in _ALLOWED or (inline and name not in _INLINE):
            return ""
        if closing:
            return f"</{name}>"
        may = _EVERYWHERE | _ALLOWED[name]
        kept = [match for match in _ATTRIBUTE.finditer(rest) if match[1].lower() in may or match[1][:5] == "data-"]
        attributes = "".join(f" {match[0].strip()}" for match in kept if "javascript:" not in match[0].lower())
        return f"<{name}{attributes}{' /' if rest.rstrip().endswith('/') else ''}>"

    return _BARE_AND.sub("&amp;", _TAG.sub(tag, text))


def slug(text: str) -> str:
    """`sanitize_title`: accents, tags and signs go, words are joined by hyphens."""
    text = re.sub("<[^>]*>", "", text)
    text = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    text = "".join(letter for letter in text if not unicodedata.combining(letter)).lower()
    text = re.sub("&.+?;", "", text).replace(".", "-")
    text = re.sub("[\u2013\u2014/\u00a0]", "-", text)
    text = re.sub(r"[^a-z0-9 _\s-]", "", text)
    return re.sub("-+", "-", re.sub(r"\s+", "-", text)).strip("-")[:200]


def plain(text: str) -> str:
    """`sanitize_text_field`: one line without tags."""
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", "", text)).strip()


def term_name(text: str) -> str:
    """A term's name is kept with its signs escaped, and is told so."""
    return html.escape(html.unescape(plain(text)), quote=False)


def file_name(name: str) -> str:
    """`sanitize_file_name`."""
    name = re.sub(r"[?\[\]/\\=<>:;,'\"&$#*()|~`!{}%+\u2019\u00ab\u00bb\u201c\u201d]", "", name)
    return re.sub(r"[\s-]+", "-", name).strip(".-_")


def shown_title(text: str) -> str:
    """As a title is rendered: the typographic quotes of WordPress are left to WordPress."""
    return _BARE_AND.sub("&#038;", text)


def shown(text: str) -> str:
    """As a text is rendered: paragraphs where there are none, and nothing else of what WordPress does."""
    if not text.strip():
        return ""
    parts = re.split(r"\n\s*\n", text.strip())
    return "".join(part + "\n" if part.lstrip().startswith("<") else f"<p>{part}</p>\n" for part in parts)
