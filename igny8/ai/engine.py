"""One call to a provider, with all that has to be around it: stored steps, retries, repair, metering, bounds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import random
from typing import Final, TypeVar

from pydantic import ValidationError

from igny8.ai.calls import (
    Answered,
    AnswerT,
    Connection,
    EmbeddingCall,
    ImageCall,
    OnText,
    Provider,
    Raw,
    SpeaksEmbeddings,
    SpeaksImages,
    SpeaksText,
    TextCall,
    Usage,
)
from igny8.ai.catalogue import Catalogue
from igny8.ai.errors import AiError, AiErrorCode
from igny8.ai.json_schema import strict_schema
from igny8.ai.live_text import LiveText
from igny8.ai.steps import Steps, Stored

SpeakerT = TypeVar("SpeakerT")

#: Calls that are made for one question before the job is left to wait and try again.
_ATTEMPTS: Final = 3
_FIRST_PAUSE: Final = 0.5
#: A provider that asks for a longer pause is not waited for here: the job goes back into its queue.
_LONGEST_PAUSE: Final = 5.0
_FAULTS_SHOWN: Final = 5


class Engine:
    """Calls providers."""

    def __init__(
        self,
        *,
        texts: Mapping[Provider, SpeaksText],
        images: Mapping[Provider, SpeaksImages],
        embeddings: Mapping[Provider, SpeaksEmbeddings],
        catalogue: Catalogue,
    ) -> None:
        self.catalogue = catalogue
        self._texts, self._images, self._embeddings = texts, images, embeddings

    async def text(
        self,
        connection: Connection,
        call: TextCall[AnswerT],
        *,
        steps: Steps,
        key: str,
        on_text: OnText | None = None,
    ) -> Answered[AnswerT]:
        """The parsed answer, from the store or from the provider; asked for once more when it does not parse.

        Raises AiError: AI_OUTPUT_INVALID when the second answer does not parse either.
        """
        content, usage = await self._text(connection, call, steps, key, on_text, repairs=False)
        try:
            return Answered(call.answer.model_validate_json(content), usage)
        except ValidationError as error:
            faults = _faults(error)
        repaired = TextCall(
            call.model, f"{call.prompt}\n\n{_REPAIR}{faults}", call.answer, call.name, call.live, call.most_tokens
        )
        content, second = await self._text(connection, repaired, steps, f"{key}:repair", on_text, repairs=True)
        try:
            return Answered(call.answer.model_validate_json(content), usage, (second,))
        except ValidationError:
            raise AiError(
                AiErrorCode.AI_OUTPUT_INVALID,
                f"The model {call.model} did not answer in the form that was asked for, twice. Try another model.",
            ) from None

    async def image(self, connection: Connection, call: ImageCall, *, steps: Steps, key: str) -> Answered[bytes]:
        """The file of one picture. Raises AiError."""
        speaker = _speaker(self._images, connection, "images")
        content, usage = await self._paid(
            connection, call.model, steps, key, lambda: speaker.image(connection, call), repairs=False
        )
        return Answered(content, usage)

    async def embed(self, connection: Connection, call: EmbeddingCall, *, steps: Steps, key: str) -> Answered[bytes]:
        """One vector a text, one after the other, as little-endian 32-bit floats. Raises AiError."""
        speaker = _speaker(self._embeddings, connection, "embeddings")
        content, usage = await self._paid(
            connection, call.model, steps, key, lambda: speaker.embed(connection, call), repairs=False
        )
        return Answered(content, usage)

    async def _text(
        self,
        connection: Connection,
        call: TextCall[AnswerT],
        steps: Steps,
        key: str,
        on_text: OnText | None,
        *,
        repairs: bool,
    ) -> tuple[bytes, Usage]:
        speaker = _speaker(self._texts, connection, "text")
        schema = strict_schema(call.answer)

        def ask() -> Awaitable[Raw]:
            live = LiveText(call.live or "")

            def on_piece(piece: str) -> None:
                if on_text is not None and call.live and live.feed(piece):
                    on_text(live.text)

            return speaker.text(connection, call, schema, on_piece)

        return await self._paid(connection, call.model, steps, key, ask, repairs=repairs)

    async def _paid(
        self,
        connection: Connection,
        model: str,
        steps: Steps,
        key: str,
        ask: Callable[[], Awaitable[Raw]],
        *,
        repairs: bool,
    ) -> tuple[bytes, Usage]:
        """The stored answer of the step, or the provider's, stored. Each attempt is a call of its own there."""
        for attempt in range(_ATTEMPTS):
            begun = await steps.begin(key, connection, model, repairs=repairs)
            if isinstance(begun, Stored):
                return begun.content, begun.usage
            try:
                async with steps.turn(connection.provider):
                    raw = await ask()
            except AiError as error:
                await steps.fail(begun)
                jitter = 0.8 + 0.4 * random()  # noqa: S311  # no secret
                pause = max(_FIRST_PAUSE * 2**attempt * jitter, error.retry_after or 0)
                if not error.retryable or attempt == _ATTEMPTS - 1 or pause > _LONGEST_PAUSE:
                    raise
                await asyncio.sleep(pause)
                continue
            usage = self.catalogue.metered(connection.provider, model, raw)
            await steps.store(begun, raw, usage)
            return raw.content, usage
        raise AssertionError("the last attempt answers or raises")


_REPAIR: Final = (
    "Your last answer could not be read. Answer again, with JSON in the form that was asked for and nothing else."
    " What was wrong with it: "
)


def _faults(error: ValidationError) -> str:
    """Where the answer was wrong, without what stood there."""
    told = [f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['type']}" for fault in error.errors()]
    return "; ".join(told[:_FAULTS_SHOWN])


def _speaker(speakers: Mapping[Provider, SpeakerT], connection: Connection, what: str) -> SpeakerT:
    if connection.provider not in speakers:
        raise AiError(AiErrorCode.PROVIDER_UNAVAILABLE, f"{connection.provider} does not make {what}.")
    return speakers[connection.provider]
