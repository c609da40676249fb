"""Which titles say nearly the same."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from igny8.planner import lexical
from igny8.planner.keyword_rows import folded

#: Words that two titles share, of all that they have together, at which they are nearly the same (Jaccard index).
_NEARLY: Final = 0.8
#: "7 mistakes ..." and "9 mistakes ..." are one idea.
_HOW_MANY: Final = re.compile(r"(?:^|(?<=: ))\d+\s+")


class Titles:
    """Titles that are there, found by the words that they share with another one."""

    def __init__(self, titles: Iterable[str] = ()) -> None:
        self._folded: set[str] = set()
        self._sizes: list[int] = []
        self._holders: dict[str, list[int]] = {}
        for title in titles:
            self.add(title)

    def add(self, title: str) -> None:
        self._folded.add(folded(title))
        words = _words(title)
        for word in words:
            self._holders.setdefault(word, []).append(len(self._sizes))
        self._sizes.append(len(words))

    def near(self, title: str) -> bool:
        """Whether one of them says nearly the same."""
        if folded(title) in self._folded:
            return True
        words = _words(title)
        shared = Counter(number for word in words for number in self._holders.get(word, ()))
        return any(count >= _NEARLY * (len(words) + self._sizes[number] - count) for number, count in shared.items())


@lru_cache(50_000)
def _words(title: str) -> frozenset[str]:
    return frozenset(lexical.stems(_HOW_MANY.sub("", title)))
