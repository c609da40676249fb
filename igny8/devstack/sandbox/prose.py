"""English sentences about any topic, out of a small grammar: `[a|b]` is a choice, `{k}` the topic.

Sentences of one text do not repeat: each template is used once before any is used again, and then with other choices.
"""

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from random import Random
from typing import Any, Final

_CHOICE: Final = re.compile(r"\[([^\[\]]+)\]")

_WRITTEN: Final = files(__package__).joinpath("sentences.txt").read_text()


def _part(name: str) -> tuple[str, ...]:
    """The templates below a heading of the file."""
    return tuple(_WRITTEN.partition(f"# {name}\n")[2].partition("\n\n")[0].splitlines())


OPENING: Final = _part("OPENING")
BODY: Final = _part("BODY")
CLOSING: Final = _part("CLOSING")
POINTS: Final = _part("POINTS")
_WANTED: Final = {
    "INFORMATIONAL": "People who want to understand {k} and how to go about it.",
    "COMMERCIAL": "People who compare options for {k} before they choose.",
    "TRANSACTIONAL": "People who are ready to buy or order {k}.",
    "NAVIGATIONAL": "People who look for one particular place for {k}.",
}


class Writer:
    """Sentences about one topic that do not repeat."""

    def __init__(self, topic: str, random: Random) -> None:
        self.topic = topic
        self._random = random
        self._waiting: dict[Sequence[str], list[str]] = {}
        self._written: set[str] = set()

    def sentence(self, kind: Sequence[str] = BODY) -> str:
        for _ in range(50):
            waiting = self._waiting.setdefault(kind, [])
            if not waiting:
                waiting += self._random.sample(kind, len(kind))
            made = spoken(waiting.pop(), self.topic, self._random)
            if made not in self._written:
                break
        self._written.add(made)
        return made


def spoken(template: str, topic: str, random: Random) -> str:
    """The template with its choices made and the topic in place, as a sentence."""
    made = template
    while _CHOICE.search(made):
        made = _CHOICE.sub(lambda found: random.choice(found.group(1).split("|")), made, count=1)
    made = made.replace("{k}", topic)
    return made[:1].upper() + made[1:]


def sentence(topic: str, random: Random) -> str:
    return Writer(topic, random).sentence()


def paragraph(topic: str, random: Random) -> str:
    writer = Writer(topic, random)
    return " ".join(writer.sentence() for _ in range(4))


def wanted(topic: str, intent: str) -> str:
    """What somebody who searches this wants."""
    return _WANTED.get(intent, "Searches about {k}.").replace("{k}", topic[:1].lower() + topic[1:])


def topic_of(text: str) -> str:
    """What a prompt is about: the first telling value of its document, or its first words."""
    try:
        data: Any = json.loads(text)
    except ValueError:
        data = {"text": text}
    for name in ("target_keyword", "keyword", "title", "name", "text"):
        if isinstance(data, dict) and data.get(name):
            return " ".join(str(data[name]).split()[:8]).strip(".!?")
    return "this topic"
