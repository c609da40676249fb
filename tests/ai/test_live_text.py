"""The text of one field, read while its JSON is being written."""

import json

from hypothesis import given
from hypothesis import strategies as st

from igny8.ai.live_text import LiveText

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("html"), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.text(max_size=60),
    st.dictionaries(st.text(max_size=5).filter(lambda key: key != "html"), _JSON, max_size=4),
    st.integers(0, 4),
    st.lists(st.integers(1, 7), min_size=1, max_size=20),
    st.booleans(),
)
def test_the_text_comes_whole_however_it_is_cut(
    text: str, others: dict[str, object], place: int, cuts: list[int], ascii_only: bool
) -> None:
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    items = list(others.items())
    items.insert(min(place, len(items)), ("html", text))
    whole = json.dumps(dict(items), ensure_ascii=ascii_only)
    live, at, number, last = LiveText("html"), 0, 0, ""
    while at < len(whole):
        size = cuts[number % len(cuts)]
        live.feed(whole[at : at + size])
        assert live.text.startswith(last)
        assert text.startswith(live.text)
        last, at, number = live.text, at + size, number + 1
    assert live.text == text


@given(st.text(max_size=200))
def test_what_is_no_json_breaks_nothing(text: str) -> None:
    live = LiveText("html")
    for character in text:
        live.feed(character)
    assert isinstance(live.text, str)


def test_only_the_field_at_the_top_is_read() -> None:
    live = LiveText("html")
    live.feed('{"a": {"html": "no"}, "b": ["html", "no"], "c": "html", "html": "yes", "html2": "no"}')
    assert live.text == "yes"


def test_a_field_that_is_no_text_gives_none() -> None:
    live = LiveText("html")
    live.feed('{"html": null, "b": "x"}')
    assert live.text == ""
