"""The finished articles as a page to open in a browser, its images beside it."""

import html
import shutil
import urllib.request
from pathlib import Path
from typing import Any, Final

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
    images = {}
    for image in article["images"]["nodes"]:
        if image["imageUrl"]:
            name = f"{image['id']}.webp"
            with urllib.request.urlopen(image["imageUrl"], timeout=30) as answer:  # noqa: S310  # our own address
                (folder / name).write_bytes(answer.read())
            shown = f'<img src="{name}" alt="{html.escape(image["altText"] or "")}">'
            images[image["id"]] = shown if image["imageType"] == "FEATURED" else f"<figure>{shown}</figure>"
    featured = [one["id"] for one in article["images"]["nodes"] if one["imageType"] == "FEATURED"]
    about = f"{article['wordCount']:,} words about {html.escape(article['primaryKeyword'] or '')}"
    text = article["htmlContent"]
    others = [shown for id_, shown in images.items() if id_ not in featured and id_ not in text]
    return (
        f'<article id="a{number}"><h1>{html.escape(article["title"])}</h1><p class="about">{about}</p>'
        f"{''.join(images.get(id_, '') for id_ in featured)}{text}{''.join(others)}</article>"
    )
