"""Groups keywords by the words they share: deterministic, free, and done in the process.

Words are cut to their stems and weighed by how rare they are (tf-idf). Keywords, the most searched first, join the
group they are most like, or begin one; two rounds of re-assignment follow, as in k-means, and then small groups
join the group they are nearest to. Large groups are grouped again by what sets their keywords apart. The order of
the input does not matter.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

#: Cosine at which a keyword joins a group, and at which a group of less than `_SMALLEST` joins another.
_LIKE: Final = 0.5
_NEAR: Final = 0.25
_ROUNDS: Final = 2
_SMALLEST: Final = 4
#: A group of more is grouped again within itself, where the words that all share no longer count.
_LARGEST: Final = 25
#: A word in more than this share of the keywords tells nothing about their groups.
_EVERYWHERE: Final = 0.35

_WORD: Final = re.compile(r"[^\W_]+")
#: What people put around a subject: they say how they search, not for what.
_AROUND_WORDS: Final = """
a an and are as at be best buy by can cheap do does for from get good great have how i in is it long make many me more
most much my near of often on online or price rated review reviews size the to top use using versus vs way what when
where which who why with you your
"""
_AROUND: Final = frozenset(_AROUND_WORDS.split())

Vector = dict[str, float]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A keyword to be grouped; `weight` (searches a month) says how much it stands for."""

    key: str
    text: str
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Keywords that belong together, the most searched first; `score` is their mean likeness to the group, 0 to 1."""

    keys: tuple[str, ...]
    name: str
    score: float


def group(phrases: Sequence[Phrase]) -> tuple[list[Group], list[str]]:
    """The groups, largest first, and the keys that stand alone."""
    ordered = sorted(phrases, key=lambda p: (-p.weight, p.text, p.key))
    made, alone = [], []
    for part in _parted(ordered):
        if len(part) < 2:
            alone += [phrase.key for phrase, _ in part]
            continue
        centre = _sum(vector for _, vector in part)
        likenesses = [_cosine(vector, centre) for _, vector in part]
        name = _named([phrase.text for phrase, _ in part], likenesses)
        made.append(Group(tuple(phrase.key for phrase, _ in part), name, round(sum(likenesses) / len(part), 3)))
    return sorted(made, key=lambda g: (-len(g.keys), g.name)), alone


def _parted(phrases: Sequence[Phrase]) -> Iterator[list[tuple[Phrase, Vector]]]:
    """The phrases of each group with their vectors.

    A large group is parted again; what then stands alone in it stays together.
    """
    vectors = _vectors([phrase.text for phrase in phrases])
    found = _assigned(vectors)
    for indexes in found:
        here = [(phrases[index], vectors[index]) for index in indexes]
        if len(here) <= _LARGEST or len(found) == 1:
            yield here
            continue
        parts = list(_parted([phrase for phrase, _ in here]))
        yield from (part for part in parts if len(part) > 1)
        alone = {part[0][0].key for part in parts if len(part) == 1}
        if alone:
            yield [(phrase, vector) for phrase, vector in here if phrase.key in alone]


def likeness(texts: Sequence[str]) -> float:
    """How alike texts are in their words, 0 to 1: the mean cosine to their centre."""
    vectors = [_unit(dict.fromkeys(stems(text), 1.0)) for text in texts]
    centre = _sum(vectors)
    return round(sum(_cosine(vector, centre) for vector in vectors) / len(vectors), 3) if vectors else 0.0


def stem(word: str) -> str:
    """The word without its commonest English endings; other languages keep theirs, apart from a final s."""
    if len(word) <= 3 or not word.isascii():
        return word
    for ending, instead in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ings", ""),
        ("ing", ""),
        ("ers", ""),
        ("er", ""),
        ("ed", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return _single(word[: -len(ending)] + instead)
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def _single(word: str) -> str:
    doubled = len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouls"
    word = word[:-1] if doubled else word
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def stems(text: str) -> list[str]:
    """Its telling words, cut to their stems; all of its words where none is telling."""
    words = _WORD.findall(text.casefold())
    telling = [word for word in words if word not in _AROUND]
    return [stem(word) for word in telling or words]


def _vectors(texts: Sequence[str]) -> list[Vector]:
    split = [stems(text) for text in texts]
    seen = Counter(word for words in split for word in set(words))
    everywhere = max(3, len(texts) * _EVERYWHERE)
    made = []
    for words in split:
        telling = [word for word in words if seen[word] <= everywhere] or words
        # A word that nobody else uses cannot bring keywords together: it only says that this one is special.
        weights = {word: math.log(1 + len(texts) / seen[word]) * (1.0 if seen[word] > 1 else 0.2) for word in telling}
        made.append(_unit(weights))
    return made


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {word: value / length for word, value in vector.items()} if length else vector


def _sum(vectors: Iterable[Vector]) -> Vector:
    total: Vector = defaultdict(float)
    for vector in vectors:
        for word, value in vector.items():
            total[word] += value
    return _unit(total)


def _cosine(left: Vector, right: Vector) -> float:
    if len(left) > len(right):
        left, right = right, left
    return sum(value * right[word] for word, value in left.items() if word in right)


class _Centres:
    """Sums of vectors, and which of them hold a word: the group that a vector is most like is found by its words."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[int, float]] = defaultdict(dict)
        self._squares: list[float] = []

    def begin(self) -> int:
        self._squares.append(0.0)
        return len(self._squares) - 1

    def add(self, group: int, vector: Vector) -> None:
        dot = 0.0
        for word, value in vector.items():
            sums = self._sums[word]
            before = sums.get(group, 0.0)
            dot += value * before
            sums[group] = before + value
        self._squares[group] += 2 * dot + sum(value * value for value in vector.values())

    def nearest(self, vector: Vector, *, other_than: int = -1) -> tuple[int, float]:
        """The group and the cosine; -1 when none shares a word."""
        dots: dict[int, float] = defaultdict(float)
        for word, value in vector.items():
            for group, weight in self._sums.get(word, {}).items():
                dots[group] += value * weight
        best, most = -1, 0.0
        for group, dot in dots.items():
            likeness = dot / math.sqrt(self._squares[group])
            if group != other_than and (likeness > most + 1e-12 or (likeness > most - 1e-12 and group < best)):
                best, most = group, likeness
        return best, most


def _assigned(vectors: Sequence[Vector]) -> list[list[int]]:
    """Which vectors make a group, by their indexes."""
    centres, chosen = _Centres(), []
    for vector in vectors:
        group, likeness = centres.nearest(vector)
        if likeness < _LIKE:
            group = centres.begin()
        centres.add(group, vector)
        chosen.append(group)
    for _ in range(_ROUNDS):
        chosen = _chosen_again(vectors, chosen)
    return _joined(vectors, _by_group(chosen))


def _by_group(chosen: Sequence[int]) -> list[list[int]]:
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(chosen):
        members[group].append(index)
    return sorted(members.values())


def _centres_of(vectors: Sequence[Vector], members: Sequence[Sequence[int]]) -> _Centres:
    centres = _Centres()
    for indexes in members:
        group = centres.begin()
        for index in indexes:
            centres.add(group, vectors[index])
    return centres


def _chosen_again(vectors: Sequence[Vector], chosen: Sequence[int]) -> list[int]:
    """Each vector to the centre it is most like now that all centres are known."""
    members = _by_group(chosen)
    centres = _centres_of(vectors, members)
    return [centres.nearest(vector)[0] if vector else -1 - index for index, vector in enumerate(vectors)]


def _joined(vectors: Sequence[Vector], members: list[list[int]]) -> list[list[int]]:
    """Small groups join the group that their centre is nearest to, if it is near enough."""
    centres = _centres_of(vectors, members)
    joined = [list(indexes) for indexes in members]
    for group in sorted(range(len(members)), key=lambda g: (len(members[g]), g)):
        if len(joined[group]) >= _SMALLEST or not joined[group]:
            continue
        centre = _sum(vectors[index] for index in joined[group])
        near, likeness = centres.nearest(centre, other_than=group)
        if likeness >= _NEAR and joined[near]:
            joined[near] += joined[group]
            joined[group] = []
    return [sorted(indexes) for indexes in joined if indexes]


def _named(texts: Sequence[str], likenesses: Sequence[float]) -> str:
    """The text of the group that says most of what the group is about in the fewest words."""
    best = max(range(len(texts)), key=lambda i: (likenesses[i] - 0.03 * len(texts[i].split()), -i))
    return texts[best][:1].upper() + texts[best][1:]
