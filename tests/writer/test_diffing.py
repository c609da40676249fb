"""Differences of two texts: complete, in order, and shown where they are."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from igny8.writer.diffing import DiffKind, Hunk, hunks

EQUAL, INSERT, DELETE = DiffKind.EQUAL, DiffKind.INSERT, DiffKind.DELETE
_BLOCKS = st.sampled_from(
    [
        "<p>One two three four.</p>",
        "<p>One two and four.</p>",
        "\n",
        "<h2>A</h2>",
        "<ul><li>x</li></ul>",
        "plain",
        "<",
        "",
    ]
)
_TEXTS = st.lists(st.one_of(_BLOCKS, st.text(max_size=12)), max_size=12).map("".join)


@given(_TEXTS, _TEXTS)
def test_the_hunks_hold_both_texts(old: str, new: str) -> None:
    found = hunks(old, new)
    assert "".join(hunk.text for hunk in found if hunk.kind is not INSERT) == old
    assert "".join(hunk.text for hunk in found if hunk.kind is not DELETE) == new
    assert all(hunk.text for hunk in found)
    assert all(one.kind is not other.kind for one, other in pairwise(found))


def test_a_changed_word_is_shown_as_a_changed_word() -> None:
    old, new = (
        "<p>Prune roses in spring every year.</p><p>Same.</p>",
        "<p>Prune roses in autumn every year.</p><p>Same.</p>",
    )
    assert hunks(old, new) == [
        Hunk(EQUAL, "<p>Prune roses in "),
        Hunk(DELETE, "spring"),
        Hunk(INSERT, "autumn"),
        Hunk(EQUAL, " every year.</p><p>Same.</p>"),
    ]


def test_a_new_paragraph_leaves_the_others_alone() -> None:
    assert hunks("<p>A</p><p>C</p>", "<p>A</p><p>B</p><p>C</p>") == [
        Hunk(EQUAL, "<p>A</p>"),
        Hunk(INSERT, "<p>B</p>"),
        Hunk(EQUAL, "<p>C</p>"),
    ]


def test_a_paragraph_that_became_another_one_is_replaced_in_whole() -> None:
    old, new = "<p>Roses need sun and water.</p>", "<p>Buy compost early, it sells out.</p>"
    assert hunks(old, new) == [Hunk(DELETE, old), Hunk(INSERT, new)]


def test_very_long_blocks_are_replaced_in_whole() -> None:
    old, new = "word " * 2_000, "word " * 1_999 + "end"
    assert hunks(old, new) == [Hunk(DELETE, old), Hunk(INSERT, new)]


def test_equal_texts_have_one_hunk_and_empty_ones_none() -> None:
    assert hunks("a", "a") == [Hunk(EQUAL, "a")]
    assert hunks("", "") == []
