"""What is asked of a provider and what comes back, in the same words for all of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel

AnswerT = TypeVar("AnswerT", bound=BaseModel)
ValueT = TypeVar("ValueT")

#: Told the whole text so far, again and again; a call that is repeated begins anew with a shorter one.
OnText = Callable[[str], None]


class Provider(StrEnum):
    OPENAI = "OPENAI"
    RUNWARE = "RUNWARE"


@dataclass(frozen=True, slots=True)
class Connection:
    """Where to call, with which key, whose it is, and which models are wanted. Its representation hides the key."""

    provider: Provider
    base_url: str
    api_key: str = field(repr=False)
    owner: Literal["ACCOUNT", "SERVER"]
    text_model: str | None = None
    image_model: str | None = None


@dataclass(frozen=True, slots=True)
class TextCall(Generic[AnswerT]):
    """A prompt and the shape of its answer; `name` is the name of the JSON schema, `live` a text field to stream."""

    model: str
    prompt: str
    answer: type[AnswerT]
    name: str
    live: str | None = None
    most_tokens: int = 16_000


@dataclass(frozen=True, slots=True)
class ImageCall:
    """Sides are in pixels."""

    model: str
    prompt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    model: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call used. `cost_usd` None: the model has no price that we know."""

    provider: Provider
    model: str
    tokens_input: int = 0
    tokens_output: int = 0
    images: int = 0
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as the provider gave it: the text as UTF-8, a file, or 32-bit floats; `cost_usd` where it tells."""

    content: bytes
    tokens_input: int = 0
    tokens_output: int = 0
    images: int = 0
    cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Answered(Generic[ValueT]):
    """`usage` are the calls that were paid for now or before; `repairs` are ours to pay and not the customer's."""

    value: ValueT
    usage: Usage
    repairs: tuple[Usage, ...] = ()


class SpeaksText(Protocol):
    async def text(
        self,
        connection: Connection,
        call: TextCall[AnswerT],
        schema: dict[str, object],
        on_piece: Callable[[str], None],
    ) -> Raw:
        """The text of the answer, told piece by piece. Raises AiError."""
        ...


class SpeaksImages(Protocol):
    async def image(self, connection: Connection, call: ImageCall) -> Raw:
        """The file of one picture. Raises AiError."""
        ...


class SpeaksEmbeddings(Protocol):
    async def embed(self, connection: Connection, call: EmbeddingCall) -> Raw:
        """One vector a text, one after the other, as little-endian 32-bit floats. Raises AiError."""
        ...
