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
LEADS: Final = _part("LEADS")
#: What a section is about, and the words of its heading that say so.
_THEMES: Final = (
    ("MISTAKES", r"mistake|avoid|wrong|error|myth"),
    ("COST", r"cost|price|money|budget|cheap|worth"),
    ("STEPS", r"step|how to|guide|method|way to"),
    ("CHOOSING", r"choos|choice|compar|best|which|differ|versus|\bvs\b|type"),
    ("PREPARING", r"need|before|prepar|tool|start|begin"),
    ("CARE", r"care|upkeep|clean|maint|store|season|last"),
    ("HELP", r"help|ask|expert|profession|safe"),
    ("MEANING", r"what|why|mean|is\b"),
)
_WANTED: Final = {
    "INFORMATIONAL": "People who want to understand {k} and how to go about it.",
    "COMMERCIAL": "People who compare options for {k} before they choose.",
    "TRANSACTIONAL": "People who are ready to buy or order {k}.",
    "NAVIGATIONAL": "People who look for one particular place for {k}.",
}


def theme_of(heading: str) -> Sequence[str]:
    """Sentences that belong below a heading."""
    for name, words in _THEMES:
        if re.search(words, heading.casefold()):
            return _part(name)
    return BODY


def answer_to(question: str) -> Sequence[str]:
    """Sentences that answer a question of the kinds that are asked at the end."""
    kinds = {"how long": "TIME", "worth": "WORTH", "begin": "BEGIN", "how often": "OFTEN"}
    return next((_part(name) for words, name in kinds.items() if words in question.casefold()), BODY)


class Writer:
    """Sentences about one topic that do not repeat."""

    def __init__(self, topic: str, random: Random) -> None:
        self.topic = topic
        self._random = random
        self._waiting: dict[Sequence[str], list[str]] = {}
        self._used_up: set[Sequence[str]] = set()
        self._written: set[str] = set()

    def about(self, theme: Sequence[str]) -> str:
        """A sentence of the theme as long as there is one that was not said, then any other."""
        if theme not in self._used_up:
            made = self.sentence(theme)
            if not self._waiting[theme]:
                self._used_up.add(theme)
            return made
        return self.sentence()

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
