"""The finished articles as a page to open in a browser, its images beside it."""

import html
import re
import shutil
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_HEADING_END: Final = re.compile(r"(</h[2-4]>)")
_STYLE: Final = """
body { font: 17px/1.6 Georgia, serif; margin: 0 auto; max-width: 44rem; padding: 2rem 1rem; color: #222; }
h1, h2, h3, nav { font-family: system-ui, sans-serif; line-height: 1.25; }
nav { border-bottom: 1px solid #ddd; padding-bottom: 1rem; }
article { border-bottom: 1px solid #ddd; padding: 2rem 0; }
img { max-width: 100%; height: auto; border-radius: 6px; }
.about { color: #666; font: 14px system-ui, sans-serif; }
table { border-collapse: collapse; } td, th { border: 1px solid #ddd; padding: .3rem .6rem; }
"""


def written(articles: list[dict[str, Any]], folder: Path) -> Path:
    """Write the page and fetch its images; where it is. What an earlier run left there is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    parts = [_article(number, article, folder) for number, article in enumerate(articles, start=1)]
    links = "".join(
        f'<li><a href="#a{number}">{html.escape(one["title"])}</a></li>'
        for number, one in enumerate(articles, start=1)
    )
    path = folder / "index.html"
    path.write_text(
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Articles</title><style>{_STYLE}</style>"
        f"<nav><h1>{len(articles)} articles</h1><ul>{links}</ul></nav>{''.join(parts)}</html>"
    )
    return path.resolve()


def _article(number: int, article: dict[str, Any], folder: Path) -> str:
    featured, after = "", dict[int, str]()
    for image in article["images"]["nodes"]:
        if image["imageUrl"] is None:
            continue
        shown = _shown(image, folder)
        if image["imageType"] == "FEATURED":
            featured += shown
        else:
            place = image["position"] or 0
            after[place] = after.get(place, "") + f"<figure>{shown}</figure>"
    about = f"{article['wordCount']:,} words about {html.escape(article['primaryKeyword'] or '')}"
    return (
        f'<article id="a{number}"><h1>{html.escape(article["title"])}</h1><p class="about">{about}</p>'
        f"{featured}{_illustrated(article['htmlContent'], after)}</article>"
    )


def _shown(image: dict[str, Any], folder: Path) -> str:
    """The image, once its file lies beside the page."""
    name = f"{image['id']}.webp"
    with urllib.request.urlopen(image["imageUrl"], timeout=30) as answer:  # noqa: S310  # our own address
        (folder / name).write_bytes(answer.read())
    return f'<img src="{name}" alt="{html.escape(image["altText"] or "")}">'


def _illustrated(text: str, after: Mapping[int, str]) -> str:
    """The text with images below its headings; an image's position is the number of the heading it follows."""
    parts = _HEADING_END.split(text)
    made = after.get(0, "") + parts[0]
    for number, (end, rest) in enumerate(zip(parts[1::2], parts[2::2], strict=True), start=1):
        made += end + after.get(number, "") + rest
    return made
