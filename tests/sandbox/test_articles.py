"""What the sandbox writes is worth looking at: length, headings, keyword, no repetition, sound HTML."""

import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igny8.devstack.sandbox import articles


def plain(html: str) -> str:
    return re.sub(r"<[^>]+>", " ", html)


@pytest.mark.parametrize("words", [300, 600, 900, 1_200, 2_000])
def test_an_article_has_the_length_that_was_asked_for(words: int) -> None:
    lengths = [
        len(
            plain(
                articles.article({"target_keyword": "cold brew coffee", "word_count": words}, Random(n))["html"]
            ).split()
        )
        for n in range(10)
    ]
    assert all(abs(length - words) <= words * 0.1 for length in lengths), lengths


def test_an_article_reads_like_one() -> None:
    made = articles.article({"target_keyword": "cold brew coffee", "word_count": 1_200}, Random(3))
    first = made["html"].partition("</p>")[0]
    assert "cold brew coffee" in first.casefold()
    assert "cold brew coffee" in made["title"].casefold()
    assert made["html"].count("<h2>") >= 4
    assert "<ul>" in made["html"]
    assert not re.search(r"[\[\]{}|]|lorem", made["html"])
    sentences = re.findall(r"[^.!?]+[.!?]", plain(made["html"]))
    assert max(Counter(s.strip() for s in sentences if len(s.split()) > 6).values()) == 1
    assert len(made["meta_title"]) <= 60
    assert len(made["meta_description"]) <= 156


def test_an_outline_is_followed_and_its_sections_are_about_their_headings() -> None:
    given = {"target_keyword": "cold brew coffee", "word_count": 900, "title": "Cold brew coffee at home"}
    sections = articles.outline(given, Random(1))["sections"]
    assert [section["level"] for section in sections] == [2] * len(sections)
    html = articles.article({**given, "outline": sections}, Random(1))["html"]
    places = [html.index(f"<h2>{section['heading']}</h2>") for section in sections]
    assert places == sorted(places)
    kept = [{"heading": "What it costs", "level": 2, "notes": "n"}, {"heading": "My own heading", "level": 2}]
    assert [one["heading"] for one in articles.outline({**given, "outline": kept}, Random(1))["sections"]] == [
        "What it costs", "My own heading",
    ]  # fmt: skip
    costs = articles.article({**given, "outline": kept[:1]}, Random(1))["html"]
    assert re.search(r"price|limit|spent|costs|bill|wait", costs.partition("<h2>")[2])


def test_a_continuation_has_the_length_that_was_asked_for() -> None:
    made = articles.continuation({"target_keyword": "cold brew coffee", "word_count": 300}, Random(1))["html"]
    assert abs(len(plain(made).split()) - 300) <= 30
    assert made.startswith("<h2>")


def test_articles_of_one_niche_differ() -> None:
    made = [articles.article({"target_keyword": f"{kind} tea"}, Random(kind))["html"] for kind in ("green", "black")]
    shared = set(re.findall(r"[^.>]+\.", made[0])) & set(re.findall(r"[^.>]+\.", made[1]))
    assert len(shared) < 20


def test_ideas_are_about_their_cluster() -> None:
    cluster = {"id": "clu_1", "name": "Tea", "keywords": [{"keyword": "green tea"}, {"keyword": "black tea"}]}
    made = articles.ideas({"clusters": [cluster], "per_cluster": 4}, Random(1))["ideas"]
    assert len({idea["title"] for idea in made}) == 4
    assert {idea["target_keyword"] for idea in made} == {"green tea", "black tea"}
    assert all(len(idea["outline"]) == 5 and "tea" in idea["title"].casefold() for idea in made)


@given(st.text(min_size=1, max_size=60), st.integers(100, 800))
def test_any_keyword_gives_sound_html(keyword: str, words: int) -> None:
    html = articles.article({"target_keyword": keyword, "word_count": words}, Random(1))["html"]
    opened = re.findall(r"<([a-z][a-z0-9]*)>", html)
    assert Counter(opened) == Counter(re.findall(r"</([a-z][a-z0-9]*)>", html))
    assert set(opened) <= {"p", "h2", "h3", "ul", "li"}
