"""What each type of prompt is made of: its variables, and the built-in text in a file beside this module."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from igny8.system.tables import PromptType
from igny8.system.templates import Variable, checked, delimited

_FOLDER: Final = files("igny8.system").joinpath("defaults")

_LANGUAGE: Final = Variable(
    "language", "The language to write in, as a tag such as en or pt-BR.", example="en", otherwise="en"
)
_TONE: Final = Variable(
    "tone",
    "The tone of the author profile.",
    example="warm and down to earth",
    otherwise="clear, friendly and factual",
)
_AUTHOR: Final = Variable(
    "author",
    "The instructions of the author profile.",
    example="Write as a vet who has run a practice for twenty years.",
    otherwise="No further instructions.",
)
_STRATEGY: Final = Variable(
    "strategy",
    "The instructions of the strategy.",
    example="Lead readers to the comparison pages.",
    otherwise="No further instructions.",
)
_STYLE: Final = Variable("style", "The style of the image.", example="realistic", otherwise="realistic")

_KEYWORDS: Final = (
    {"id": "key_00000000000000000000000000000001", "keyword": "puppy food", "volume": 9900, "intent": "COMMERCIAL"},
    {"id": "key_00000000000000000000000000000002", "keyword": "best puppy food", "volume": 4400,
     "intent": "COMMERCIAL"},
    {"id": "key_00000000000000000000000000000003", "keyword": "how much to feed a puppy", "volume": 3600,
     "intent": "INFORMATIONAL"},
)  # fmt: skip


def _data(description: str, example: object) -> Variable:
    return Variable("data", description, example=delimited(example), required=True)


def _words(example: str) -> Variable:
    return Variable("word_count", "How many words to write.", example=example, otherwise=example)


VARIABLES: Final[Mapping[PromptType, tuple[Variable, ...]]] = {
    PromptType.CLUSTERING: (
        _data(
            "The keywords and the names of clusters that are there already.",
            {"keywords": _KEYWORDS, "clusters": ["Dog toys"]},
        ),
        _LANGUAGE,
        Variable("smallest", "How many keywords a cluster has at least.", example="3", otherwise="3"),
        Variable("largest", "How many keywords a cluster has at most.", example="10", otherwise="10"),
    ),
    PromptType.IDEAS: (
        _data(
            "The clusters with their keywords, and the titles of ideas that are there already.",
            {
                "clusters": [{"id": "clu_00000000000000000000000000000001", "name": "Puppy food",
                              "keywords": [one["keyword"] for one in _KEYWORDS]}],
                "titles": ["Wet or dry: what puppies need"],
            },
        ),
        Variable("ideas_per_cluster", "How many ideas each cluster gets.", example="5", otherwise="5"),
        _LANGUAGE,
        _STRATEGY,
    ),
    PromptType.CONTENT: (
        _data(
            "The task: title, description, keywords and outline.",
            {
                "title": "How much to feed a puppy",
                "description": "Portions by age and weight.",
                "keyword": "how much to feed a puppy",
                "outline": [{"heading": "Portions by age", "level": 2, "notes": "A table."}],
            },
        ),
        _words("1200"),
        _LANGUAGE,
        _TONE,
        _AUTHOR,
        _STRATEGY,
    ),
    PromptType.IMAGE_PROMPTS: (
        _data(
            "The content: its title and its headings with their text.",
            {"title": "How much to feed a puppy",
             "sections": [{"heading": "Portions by age", "text": "At 8 weeks ..."}]},
        ),
        Variable("in_article", "How many images stand in the text.", example="2", otherwise="2"),
        _STYLE,
    ),
    PromptType.IMAGE_TEMPLATE: (
        Variable(
            "prompt",
            "What the image shows.",
            example="A puppy waits beside a bowl in a sunlit kitchen",
            required=True,
        ),
        _STYLE,
    ),
    PromptType.OPTIMIZE: (
        _data(
            "The content, and the checks that it does not pass.",
            {
                "title": "How much to feed a puppy",
                "html": "<p>At 8 weeks ...</p>",
                "checks": [{"id": "keyword-in-introduction", "message": "The keyword is not in the introduction."}],
            },
        ),
        _LANGUAGE,
        _TONE,
    ),
    PromptType.SITE_STRUCTURE: (
        _data(
            "The site's name, and its clusters with their roles.",
            {"site": "Puppy Corner", "clusters": [{"id": "clu_00000000000000000000000000000001",
                                                   "name": "Puppy food", "role": "HUB"}]},
        ),
        _LANGUAGE,
        _STRATEGY,
    ),
    PromptType.PAGE_CONTENT: (
        _data(
            "The page: its title, its place in the site, its cluster and its keywords.",
            {"title": "Puppy food", "path": "/puppy-food", "cluster": "Puppy food",
             "keywords": [one["keyword"] for one in _KEYWORDS]},
        ),
        _words("600"),
        _LANGUAGE,
        _TONE,
        _AUTHOR,
        _STRATEGY,
    ),
}  # fmt: skip


@cache
def default(prompt_type: PromptType) -> str:
    """The built-in text. It passes the same check as what accounts save."""
    text = _FOLDER.joinpath(f"{prompt_type.lower()}.txt").read_text(encoding="utf-8")
    return checked(text, VARIABLES[prompt_type], ())
