"""OpenAI, and whatever speaks its protocol at another base URL: text, images, embeddings."""

import asyncio
import base64
import binascii
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import httpx2

from igny8.ai.calls import AnswerT, Connection, EmbeddingCall, ImageCall, Raw, TextCall
from igny8.ai.errors import AiError, AiErrorCode
from igny8.errors import DomainError, ValidationFailed
from igny8.outgoing import TooLarge, TooSlow

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionChunk

#: Until the first piece of an answer, and between two: a stream that is silent for longer has died.
_FIRST_SECONDS: Final = 120.0
_IDLE_SECONDS: Final = 30.0
_IMAGE_SECONDS: Final = 180.0


class OpenAi:
    """Speaks OpenAI's protocol through the guarded client. Nothing is retried here."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def text(
        self,
        connection: Connection,
        call: TextCall[AnswerT],
        schema: dict[str, object],
        on_piece: Callable[[str], None],
    ) -> Raw:
        """The answer of a chat completion with structured output, streamed. Raises AiError."""
        format_: Any = {"type": "json_schema", "json_schema": {"name": call.name, "strict": True, "schema": schema}}
        said = _Said()
        async with _told(call.model):
            async with asyncio.timeout(_FIRST_SECONDS):
                stream = await self._client(connection).chat.completions.create(
                    model=call.model,
                    messages=[{"role": "user", "content": call.prompt}],
                    response_format=format_,
                    max_completion_tokens=call.most_tokens,
                    stream=True,
                    stream_options={"include_usage": True},
                )
            async with stream:
                async for chunk in _lively(stream):
                    if piece := said.take(chunk):
                        on_piece(piece)
        return said.raw(call.model)

    async def image(self, connection: Connection, call: ImageCall) -> Raw:
        """A picture as a PNG. Raises AiError."""
        async with _told(call.model), asyncio.timeout(_IMAGE_SECONDS):
            size: Any = f"{call.width}x{call.height}"
            # Older models answer with an address unless they are asked; newer ones know no such question.
            asked: Any = {"response_format": "b64_json"} if call.model.startswith("dall-e") else {}
            made = await self._client(connection).images.generate(
                model=call.model, prompt=call.prompt, size=size, n=1, **asked
            )
        try:
            content = base64.b64decode(str((made.data or [])[0].b64_json), validate=True)
        except (IndexError, binascii.Error):
            raise AiError(
                AiErrorCode.AI_OUTPUT_INVALID, f"The model {call.model} answered without a picture."
            ) from None
        return Raw(content, images=1)

    async def embed(self, connection: Connection, call: EmbeddingCall) -> Raw:
        """Vectors in the order of the texts. Raises AiError."""
        async with _told(call.model), asyncio.timeout(_FIRST_SECONDS):
            made = await self._client(connection).embeddings.create(model=call.model, input=list(call.texts))
        if len(made.data) != len(call.texts):
            raise AiError(AiErrorCode.AI_OUTPUT_INVALID, f"The model {call.model} left texts out.")
        vectors = b"".join(array("f", row.embedding).tobytes() for row in sorted(made.data, key=lambda r: r.index))
        return Raw(vectors, tokens_input=made.usage.prompt_tokens)

    def _client(self, connection: Connection) -> "AsyncOpenAI":
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=connection.api_key,
            base_url=connection.base_url,
            http_client=self._http,
            max_retries=0,
            organization="",
            project="",
        )


class _Said:
    """What a stream has said so far."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._refusal = ""
        self._finish: str | None = None
        self._tokens = (0, 0)

    def take(self, chunk: "ChatCompletionChunk") -> str:
        """The text of the piece, if it holds some."""
        if chunk.usage is not None:
            self._tokens = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self._finish = choice.finish_reason or self._finish
        self._refusal += choice.delta.refusal or ""
        text = choice.delta.content or ""
        if text:
            self._pieces.append(text)
        return text

    def raw(self, model: str) -> Raw:
        """Raises AiError for a refusal and for a stream that has no end."""
        if self._refusal or self._finish == "content_filter":
            raise AiError(AiErrorCode.AI_REFUSED, f"The model {model} refuses to answer this. Change what is asked.")
        if self._finish is None:
            raise _gone(model)
        return Raw("".join(self._pieces).encode(), *self._tokens)


async def _lively(stream: "AsyncIterator[ChatCompletionChunk]") -> "AsyncIterator[ChatCompletionChunk]":
    """The chunks, as long as they keep coming. Raises TimeoutError."""
    wait = _FIRST_SECONDS
    while True:
        try:
            async with asyncio.timeout(wait):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        yield chunk
        wait = _IDLE_SECONDS


def _gone(model: str) -> AiError:
    return AiError(
        AiErrorCode.PROVIDER_UNAVAILABLE, f"The connection broke while {model} was answering.", retryable=True
    )


@asynccontextmanager
async def _told(model: str) -> AsyncIterator[None]:
    """What goes wrong, as an AiError. Bodies of answers are never repeated: they may hold keys or prompts."""
    # Loaded with the first call: it takes half a second, and a third of what a process weighs.
    openai = await asyncio.to_thread(import_module, "openai")
    try:
        yield
    except TimeoutError:
        raise AiError(AiErrorCode.TIMEOUT, f"{model} did not answer in time.", retryable=True) from None
    except openai.APIStatusError as error:
        raise of_status(model, error.status_code, error.code, error.response.headers.get("retry-after")) from None
    except (openai.APIError, httpx2.HTTPError, DomainError) as error:
        raise of_connection(model, error) from None


def of_status(model: str, status: int, code: str | None, retry_after: str | None) -> AiError:
    """The error behind an HTTP status; `code` is OpenAI's own word for it."""
    seconds = float(retry_after) if retry_after and retry_after.replace(".", "", 1).isdigit() else None
    if status in (401, 403):
        return AiError(
            AiErrorCode.PROVIDER_AUTH, "The provider does not accept the key. Save a valid one in the settings."
        )
    if status == 429 and code == "insufficient_quota":
        return AiError(AiErrorCode.PROVIDER_LIMIT, "The provider's account behind the key has no credit left.")
    if status == 429:
        message = "The provider asks for fewer calls at the moment."
        return AiError(AiErrorCode.PROVIDER_LIMIT, message, retryable=True, retry_after=seconds)
    if status == 404:
        return AiError(AiErrorCode.PROVIDER_UNAVAILABLE, f"The provider has no model {model} for this key.")
    if status < 500 and status not in (408, 409):
        return AiError(AiErrorCode.AI_REFUSED, f"The provider refuses this request to {model}. Change what is asked.")
    message = "The provider has a fault at the moment."
    return AiError(AiErrorCode.PROVIDER_UNAVAILABLE, message, retryable=True, retry_after=seconds)


def of_connection(model: str, error: BaseException) -> AiError:
    """The error behind a connection that failed; the guarded client's own reasons lie below OpenAI's."""
    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, ValidationFailed):
            return AiError(AiErrorCode.PROVIDER_UNAVAILABLE, reason.message)
        if isinstance(reason, TooLarge):
            return AiError(AiErrorCode.AI_OUTPUT_INVALID, f"The answer of {model} is too long to be read.")
        if isinstance(reason, TooSlow | TimeoutError | httpx2.TimeoutException):
            return AiError(AiErrorCode.TIMEOUT, f"{model} did not answer in time.", retryable=True)
        reason = reason.__cause__ or reason.__context__
    return _gone(model)
