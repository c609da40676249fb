"""HTML of contents: what is kept of it, its text, its words, its slugs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igny8.errors import ValidationFailed
from igny8.writer import markup, slugs

_PIECES = st.sampled_from(
    ["<p>", "</p>", "<h1>", "<h2 id=x onclick=y()>", "<script>", "</script>", "<style>", "<img src=//x onerror=z>", "&lt;",
     '<a href="javascript:alert(1)">', '<a href="https://example.com" rel="nofollow me">', "</a>", "<svg/onload=x>",
     "<iframe src=//x>", "<!-- c -->", "text", " ", "5 < 6", "&amp;", "<ul><li>", "<table><tr><td style='x'>", "\x00"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("<p>Hello</p>", "<p>Hello</p>"),
        ("<h1>Title</h1>", "<h2>Title</h2>"),
        ("<H1 class='a'>Title</H1 >", "<h2>Title</h2>"),
        ("<p onclick='x()' style='color: red'>a</p>", "<p>a</p>"),
        ("a<script>alert(1)</script><style>p {}</style>b", "ab"),
        ("<img src=x onerror=alert(1)>a<iframe src='//evil'></iframe>", "a"),
        ('<a href="javascript:alert(1)">a</a>', "<a>a</a>"),
        ('<a href="http://example.com">a</a>', "<a>a</a>"),
        ('<a href="https://example.com" target="_blank" rel="nofollow me">a</a>',
         '<a href="https://example.com" rel="nofollow">a</a>'),
        ('<a href="/pruning">a</a>', '<a href="/pruning">a</a>'),
        ("<p>un<em>closed", "<p>un<em>closed</em></p>"),
        ("<p>a</p><p", "<p>a</p>"),
        ("a\x00\ud800b", "ab"),
    ],
)  # fmt: skip
def test_html_is_cleaned_by_a_list_of_what_is_allowed(given: str, kept: str) -> None:
    assert markup.cleaned(given) == kept


@given(st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=25).map("".join))
def test_whatever_is_given_nothing_runs_and_cleaning_twice_is_cleaning_once(given: str) -> None:
    once = markup.cleaned(given)
    assert markup.cleaned(once) == once
    tags = re.findall(r"<[^>]*>", once)
    assert not any(re.search(r"script|style|iframe|svg|img|javascript|\bon\w+\s*=", tag) for tag in tags), tags
    assert "<" not in re.sub(r"<[^>]*>", "", once)
    once.encode()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", 0),
        ("<p>One two</p><p>three</p>", 3),
        ("<ul><li>One</li><li>two</li></ul>", 2),
        ("It's e-mail - 1,200.5 %", 3),
        ("<b>Un</b>broken", 1),
        ("a &amp; b", 2),
        ("日本語", 3),
        ("Как дела", 2),
    ],
)
def test_words_are_counted_as_a_reader_would(given: str, words: int) -> None:
    assert markup.words(given) == words


def test_text_of_others_becomes_one_line_that_fits() -> None:
    assert markup.line("<b>Roses</b>\n &amp; thorns<script>x</script>", 100) == "Roses & thorns"
    assert markup.line("Roses, thorns and more", 14) == "Roses, thorns"
    assert markup.line("Roses, thorns", 7) == "Roses"
    assert markup.line("abcdefgh", 4) == "abcd"


@pytest.mark.parametrize(
    ("texts", "slug"),
    [
        (("Crème brûlée: 5 tips!",), "creme-brulee-5-tips"),
        (("!!!", "Roses"), "roses"),
        (("???",), "content"),
        (("Как кормить щенка",), "как-кормить-щенка"),
        (("日本",), "日本"),
        (("word " * 40,), "-".join(["word"] * 16)),
        (("x" * 300,), "x" * 80),
    ],
)
def test_a_title_suggests_a_slug(texts: tuple[str, ...], slug: str) -> None:
    assert slugs.suggested(*texts) == slug
    assert slugs.checked(slug, ("slug",)) == slug


@pytest.mark.parametrize("given", ["", "a b", "-a", "a--b", "a/b", "x" * 101])
def test_a_slug_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(ValidationFailed):
        slugs.checked(given, ("slug",))
