"""OpenAI's protocol: chat completions, embeddings, images and models.

The shapes are those of OpenAI's API reference for these four resources.
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from functools import partial
from random import Random
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from igny8.devstack.sandbox import pictures
from igny8.devstack.sandbox.answers import answer, embedding, tokens
from igny8.devstack.sandbox.behaviour import HEADER, Behaviour, fault
from igny8.devstack.sandbox.calls import Call, CallLog

MODELS: Final = ("sandbox-text", "sandbox-image", "sandbox-embedding")
_PIECE: Final = 48  # characters of one streamed piece
#: Between two pieces: as if about 2,500 tokens a second were written.
_PIECE_SECONDS: Final = 0.004


def openai_app(log: CallLog) -> Starlette:
    """The server; every call is written to `log`."""
    return Starlette(
        routes=[
            Route("/v1/chat/completions", partial(_answered, log, _chat), methods=["POST"]),
            Route("/v1/embeddings", partial(_answered, log, _embeddings), methods=["POST"]),
            Route("/v1/images/generations", partial(_answered, log, _images), methods=["POST"]),
            Route("/v1/models", _models, methods=["GET"]),
            *log.routes,
        ]
    )


async def _answered(log: CallLog, make: Any, request: Request) -> Response:
    """What all calls share: the key, the call's line in the log, and behaviour that answers nothing."""
    key = _key_of(request)
    if not key:
        return fault(401, "You didn't provide an API key.", "missing_api_key")
    try:
        body = await request.json()
        model = str(body["model"])
        behaviour = Behaviour.of(model, request.headers.get(HEADER))
    except (ValueError, KeyError, TypeError) as error:
        return fault(400, f"The request is not one of this API: {error}", "bad_request")
    asked = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    call = log.begin(request.url.path, model=model, behaviour=behaviour.name, key=key, prompt_hash=asked[:16])
    refusal = behaviour.refusal(log.asked[call.prompt_hash])
    if refusal is not None:
        log.end(call, "refused")
        return refusal
    try:
        await behaviour.wait()
        response: Response = make(log, call, body, behaviour, Random(asked))
    except asyncio.CancelledError:
        log.end(call, "aborted")
        raise
    return response


def _key_of(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


async def _models(request: Request) -> Response:
    if not _key_of(request) or "invalid" in _key_of(request):
        return fault(401, "Incorrect API key provided.", "invalid_api_key")
    listed = [{"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox"} for name in MODELS]
    return JSONResponse({"object": "list", "data": listed})


def _chat(log: CallLog, call: Call, body: dict[str, Any], behaviour: Behaviour, random: Random) -> Response:
    messages = body["messages"]
    made = answer(messages, body.get("response_format"), behaviour, random)
    call.tokens_input = sum(tokens(_text_of(message)) for message in messages)
    call.tokens_output = tokens(made.text)
    usage = {
        "prompt_tokens": call.tokens_input,
        "completion_tokens": call.tokens_output,
        "total_tokens": call.tokens_input + call.tokens_output,
    }
    head = {"id": f"chatcmpl-{call.prompt_hash}", "created": int(time.time()), "model": call.model}
    if body.get("stream"):
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        pieces = _pieces(log, call, head, made.text, made.finish, usage if with_usage else None, behaviour)
        return StreamingResponse(pieces, media_type="text/event-stream")
    if behaviour.is_("dropped"):
        return StreamingResponse(_half(log, call, made.text), media_type="application/json")
    refusal = made.text if made.finish == "refusal" else None
    message = {"role": "assistant", "content": None if refusal else made.text, "refusal": refusal}
    finish = "stop" if refusal else made.finish
    log.end(call, "finished")
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": usage})


async def _pieces(
    log: CallLog,
    call: Call,
    head: dict[str, Any],
    text: str,
    finish: str,
    usage: dict[str, int] | None,
    behaviour: Behaviour,
) -> AsyncIterator[bytes]:
    def event(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        return _event({**head, "object": "chat.completion.chunk", "choices": [choice]})

    field = "refusal" if finish == "refusal" else "content"
    size = max(_PIECE, len(text) // 2_000)
    try:
        yield event({"role": "assistant", "content": ""})
        for at in range(0, len(text), size):
            if behaviour.is_("dropped") and at > len(text) // 2:
                raise ConnectionError("dropped, as asked")
            yield event({field: text[at : at + size]})
            await asyncio.sleep(_PIECE_SECONDS)
        yield event({}, "stop" if finish == "refusal" else finish)
        if usage is not None:
            yield _event({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"
        log.end(call, "finished")
    finally:
        if call.state == "started":
            log.end(call, "aborted")


async def _half(log: CallLog, call: Call, text: str) -> AsyncIterator[bytes]:
    """The beginning of an answer that ends in the middle."""
    yield text[: len(text) // 2].encode()
    log.end(call, "aborted")
    raise ConnectionError("dropped, as asked")


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def _embeddings(log: CallLog, call: Call, body: dict[str, Any], behaviour: Behaviour, random: Random) -> Response:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = []
    for index, text in enumerate(texts):
        vector = embedding(str(text), int(body.get("dimensions") or 256))
        shown: Any = vector.tolist()
        if body.get("encoding_format") == "base64":
            shown = base64.b64encode(vector.tobytes()).decode()
        data.append({"object": "embedding", "index": index, "embedding": shown})
    call.tokens_input = sum(tokens(str(text)) for text in texts)
    usage = {"prompt_tokens": call.tokens_input, "total_tokens": call.tokens_input}
    log.end(call, "finished")
    return JSONResponse({"object": "list", "data": data, "model": call.model, "usage": usage})


def _images(log: CallLog, call: Call, body: dict[str, Any], behaviour: Behaviour, random: Random) -> Response:
    width, _, height = str(body.get("size") or "1024x1024").partition("x")
    kind = str(body.get("output_format") or "png")
    pictures_ = [
        base64.b64encode(pictures.drawn(str(body["prompt"]), int(width), int(height), kind, random)).decode()
        for _ in range(int(body.get("n") or 1))
    ]
    call.tokens_input = tokens(str(body["prompt"]))
    log.end(call, "finished")
    return JSONResponse({"created": int(time.time()), "data": [{"b64_json": picture} for picture in pictures_]})


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(str(part.get("text", "")) for part in content)
