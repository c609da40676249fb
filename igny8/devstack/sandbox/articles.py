"""Ideas, articles and image prompts that read like a draft: titles, headings, paragraphs, lists and answers."""

import html
import re
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from igny8.devstack.sandbox import prose
from igny8.devstack.sandbox.prose import Writer

_TITLES: Final = (
    ("GUIDE", "{k}: [a practical guide|a plain guide] for [beginners|first-timers]"),
    ("LISTICLE", "[7|9|8] [mistakes|things] to [avoid|know] with {k}"),
    ("COMPARISON", "{k} compared: [what to choose|which one fits] and why"),
    ("ARTICLE", "How to [get started with|choose] {k} [without wasting money|in one afternoon]"),
    ("REVIEW", "Is {k} worth it? [What a year taught us|An honest look]"),
    ("GUIDE", "{k} [step by step|from the ground up]"),
    ("ARTICLE", "What nobody tells you about {k}"),
    ("LISTICLE", "{k}: [12|10] [questions|tips] [answered|that work]"),
)
_HEADINGS: Final = (
    "What {k} really means",
    "How to choose",
    "What you need before you start",
    "Step by step",
    "Common mistakes and how to avoid them",
    "What it costs",
    "Care and upkeep",
    "When to ask for help",
)
_QUESTIONS: Final = (
    "How long does {k} take?",
    "Is {k} worth the money?",
    "What is the best way to begin with {k}?",
    "How often should you check {k}?",
)


def ideas(data: Any, random: Random) -> dict[str, Any]:
    """Ideas for each cluster that was sent, `per_cluster` of them."""
    made = []
    for cluster in data["clusters"]:
        keywords = [str(row["keyword"] if isinstance(row, dict) else row) for row in cluster["keywords"]]
        keywords = keywords or [str(cluster["name"])]
        shapes = random.sample(_TITLES, min(len(_TITLES), int(data.get("per_cluster") or 5)))
        for number, (structure, title) in enumerate(shapes):
            keyword = keywords[number % len(keywords)]
            headings = random.sample(_HEADINGS, 5)
            made.append(
                {
                    "cluster_id": cluster["id"],
                    "title": prose.spoken(title, keyword, random),
                    "description": prose.wanted(keyword, "INFORMATIONAL"),
                    "target_keyword": keyword,
                    "content_type": "POST",
                    "content_structure": structure,
                    "estimated_word_count": random.choice((900, 1_200, 1_500)),
                    "outline": [
                        {
                            "heading": prose.spoken(h, keyword, random),
                            "level": 2,
                            "notes": prose.sentence(keyword, random),
                        }
                        for h in headings
                    ],
                }
            )
    return {"ideas": made}


def outline(data: Any, random: Random) -> dict[str, Any]:
    """The sections of an article of `word_count` words: those that were sent, or new ones."""
    keyword = _keyword(data)
    given = [part for part in data.get("outline") or [] if part.get("heading")]
    if given:
        headings = [str(part["heading"]) for part in given]
    else:
        wanted = max(2, min(6, int(data.get("word_count") or 1_200) // 180))
        headings = [prose.spoken(heading, keyword, random) for heading in random.sample(_HEADINGS, wanted)]
    writer = Writer(keyword, random)
    return {"sections": [{"heading": h, "level": 2, "notes": writer.sentence(prose.POINTS)} for h in headings]}


def continuation(data: Any, random: Random) -> dict[str, Any]:
    """About `word_count` words more."""
    writer, words = Writer(_keyword(data), random), int(data.get("word_count") or 300)
    parts = ["<h2>What else to know</h2>", *_section(writer, words - 4, prose.BODY, with_list=True)]
    return {"html": "\n".join(parts)}


def _keyword(data: Any) -> str:
    return str(data.get("target_keyword") or prose.topic_of(str(data.get("title", "")))).strip()


def article(data: Any, random: Random) -> dict[str, Any]:
    """An article of about `word_count` words with the keyword in its title and first paragraph."""
    keyword = _keyword(data)
    title = str(data.get("title") or prose.spoken(random.choice(_TITLES)[1], keyword, random))
    if keyword.casefold() not in title.casefold():
        title = f"{keyword[:1].upper()}{keyword[1:]}: {title}"
    target = int(data.get("word_count") or 1_200)
    outline = [str(part["heading"]) for part in data.get("outline") or []]
    headings = outline or [
        prose.spoken(h, keyword, random) for h in random.sample(_HEADINGS, max(2, min(6, target // 180)))
    ]
    body = _body(Writer(keyword, random), headings, target, random)
    plain = re.sub(r"<[^>]+>", " ", body)
    first = prose.spoken(prose.OPENING[1], keyword, random)
    return {
        "title": title,
        "html": body,
        "excerpt": " ".join(plain.split()[:32]).rstrip(",;:") + " ...",
        "meta_title": title[:60],
        "meta_description": first[:156],
        "slug": "-".join(re.findall(r"[a-z0-9]+", title.casefold()))[:60].strip("-"),
        "primary_keyword": keyword,
        "secondary_keywords": [str(word) for word in data.get("keywords") or [] if str(word) != keyword][:5],
        "tags": sorted(set(re.findall(r"[a-z]{4,}", keyword.casefold())))[:4] or [keyword[:30]],
        "categories": ["Guides"],
    }


def _body(writer: Writer, headings: list[str], target: int, random: Random) -> str:
    """HTML of `target` words, within a few; the length is kept by counting, section by section."""
    parts = [_paragraph([writer.sentence(prose.OPENING), *(writer.sentence() for _ in range(2))])]
    questions = [prose.spoken(q, writer.topic, random) for q in random.sample(_QUESTIONS, 2)] if target >= 500 else []
    closing = _paragraph([writer.sentence(prose.CLOSING)])
    reserved = _words([*(f"<h2>{h}</h2>" for h in headings), closing, *(f"<h3>{q}</h3>" for q in questions)])
    share = max(30, (target - reserved - _words(parts)) // (len(headings) + (1 if questions else 0) or 1))
    for number, heading in enumerate(headings):
        parts.append(f"<h2>{html.escape(heading, quote=False)}</h2>")
        parts += _section(writer, share, prose.theme_of(heading), with_list=number % 3 == 1)
    if questions:
        parts.append("<h2>Questions and answers</h2>")
        for question in questions:
            parts.append(f"<h3>{html.escape(question, quote=False)}</h3>")
            parts += _section(writer, share // 2, prose.answer_to(question), with_list=False)
    return "\n".join([*parts, closing])


def _section(writer: Writer, words: int, theme: Sequence[str], *, with_list: bool) -> list[str]:
    """Paragraphs about a theme; a list stands behind the first one."""
    parts: list[str] = []
    if with_list and words > 60:
        parts.append(_paragraph([writer.about(theme), writer.sentence(prose.LEADS)]))
        points = [f"<li>{html.escape(writer.sentence(prose.POINTS), quote=False)}</li>" for _ in range(4)]
        parts.append("<ul>" + "".join(points) + "</ul>")
    enough = words - 9  # half a sentence: what the last one goes beyond is made up for on the average
    while _words(parts) < enough:
        sentences: list[str] = []
        while len(sentences) < 4 and _words(parts) + _words(sentences) < enough:
            sentences.append(writer.about(theme))
        parts.append(_paragraph(sentences))
    return parts


def _paragraph(sentences: list[str]) -> str:
    return f"<p>{html.escape(' '.join(sentences), quote=False)}</p>"


def _words(parts: list[str]) -> int:
    return sum(len(re.sub(r"<[^>]+>", " ", part).split()) for part in parts)


def image_prompts(data: Any, random: Random) -> dict[str, Any]:
    """A featured image and as many in the article as were asked for, each by a heading of it."""
    title = str(data.get("title") or "the article")
    headings = [str(part.get("heading")) for part in data.get("sections") or []]
    styles = ("soft daylight", "a plain background", "warm colours", "a view from above")
    made = [
        {
            "heading": heading,
            "prompt": f"A photograph about {subject}, {random.choice(styles)}, no text",
            "alt_text": f"{subject[:1].upper()}{subject[1:]}"[:120],
        }
        for heading, subject in [
            (None, title),
            *((h, f"{h.rstrip('?').lower()} ({title})") for h in headings[: int(data.get("in_article") or 0)]),
        ]
    ]
    return {"images": made}
