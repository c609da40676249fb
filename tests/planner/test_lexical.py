"""Lexical grouping: stable, complete, and close to what a person would have grouped."""

import csv
from collections import Counter
from collections.abc import Sequence
from math import comb
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from igny8.planner.lexical import Phrase, group, stem

LABELLED = Path(__file__).with_name("labelled_keywords.tsv")


def adjusted_rand_index(left: Sequence[object], right: Sequence[object]) -> float:
    """Agreement of two groupings: 1 when they are equal, about 0 by chance (Hubert and Arabie, 1985)."""
    together = sum(comb(n, 2) for n in Counter(zip(left, right, strict=True)).values())
    lefts, rights = (sum(comb(n, 2) for n in Counter(side).values()) for side in (left, right))
    expected = lefts * rights / comb(len(left), 2)
    return (together - expected) / ((lefts + rights) / 2 - expected)


def grouped(texts: Sequence[str]) -> dict[str, str]:
    """The name of each text's group, or itself when it stands alone."""
    groups, alone = group([Phrase(text, text) for text in texts])
    return {**{key: g.name for g in groups for key in g.keys}, **{key: key for key in alone}}


def test_groups_agree_with_hand_labels() -> None:
    rows = [line.split("\t") for line in LABELLED.read_text().splitlines()]
    of = grouped([text for text, _ in rows])
    assert adjusted_rand_index([of[text] for text, _ in rows], [label for _, label in rows]) >= 0.9


def test_groups_agree_with_the_labels_of_a_niche_where_meanings_share_few_words() -> None:
    with LABELLED.with_suffix(".csv").open(newline="") as file:
        rows = [(row["keyword"], row["group"]) for row in csv.DictReader(file)]
    of = grouped([text for text, _ in rows])
    assert adjusted_rand_index([of[text] for text, _ in rows], [label for _, label in rows]) >= 0.6


def test_the_measure_of_agreement_is_right() -> None:
    assert adjusted_rand_index("aabbcc", "xxyyzz") == 1
    assert round(adjusted_rand_index("aaabbb", "aabbcc"), 4) == 0.2424


def test_large_groups_are_parted_by_what_sets_their_keywords_apart() -> None:
    kinds = ["espresso", "drip", "travel", "glass", "steel", "office"]
    texts = [f"{kind} coffee maker {n}" for kind in kinds for n in ("red", "blue", "black", "small", "large")]
    texts += [f"{tree} tree planting" for tree in ("apple", "pear", "plum")]
    of = grouped(texts)
    assert len({of[text] for text in texts if "coffee" in text}) == len(kinds)


def test_names_say_what_the_group_is_about() -> None:
    groups, _ = group([Phrase(t, t) for t in ("moka pot", "how to use a moka pot", "steel moka pot", "milk frother")])
    assert [g.name for g in groups] == ["Moka pot"]


def test_words_of_one_stem_meet() -> None:
    assert len({stem(word) for word in ("clean", "cleaner", "cleaners", "cleaning", "cleaned")}) == 1
    assert stem("recipe") == stem("recipes")
    assert stem("battery") == stem("batteries")
    assert stem("bus") == "bus"
    assert stem("кофе") == "кофе"


@given(st.lists(st.text(max_size=30), max_size=40), st.randoms(use_true_random=False))
def test_nothing_is_lost_or_doubled_and_order_does_not_matter(texts: list[str], random: Random) -> None:
    phrases = [Phrase(str(n), text, n % 5) for n, text in enumerate(texts)]
    groups, alone = group(phrases)
    assert sorted([*(key for g in groups for key in g.keys), *alone]) == sorted(p.key for p in phrases)
    shuffled = list(phrases)
    random.shuffle(shuffled)
    assert group(shuffled) == (groups, alone)
    assert all(len(g.keys) >= 2 and 0 < g.score <= 1 for g in groups)
