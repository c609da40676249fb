"""The sandbox's OpenAI protocol, spoken to by OpenAI's own client."""

import base64
import io
import json
from typing import Any

import httpx2
import openai as client
import pytest
from openai import AsyncOpenAI
from PIL import Image

from igny8.devstack.sandbox.calls import CallLog

pytestmark = pytest.mark.anyio

PLAIN: Any = [{"role": "user", "content": "Write about garden roses."}]


def block(data: object) -> Any:
    return [{"role": "user", "content": f"Do it.\n<data>\n{json.dumps(data)}\n</data>"}]


def schema(called: str, /, **properties: Any) -> Any:
    whole = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": called, "strict": True, "schema": whole}}


async def test_an_answer_is_the_same_whole_or_in_pieces_and_today_or_tomorrow(openai: AsyncOpenAI) -> None:
    whole = await openai.chat.completions.create(model="sandbox-text", messages=PLAIN)
    again = await openai.chat.completions.create(model="sandbox-text", messages=PLAIN)
    assert whole.choices[0].message.content == again.choices[0].message.content
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 0


async def test_a_stream_ends_with_its_usage(openai: AsyncOpenAI) -> None:
    stream = await openai.chat.completions.create(
        model="sandbox-text", messages=PLAIN, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert len(text.split()) > 30
    assert len(chunks) > 5
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == -(-len(text) // 4)


async def test_clusters_hold_every_keyword_once_and_reuse_names(openai: AsyncOpenAI) -> None:
    words = ["red roses", "pink roses", "white roses", "tulip bulbs", "buy tulip bulbs", "cheap tulip bulbs", "zebra"]
    keywords = [{"id": f"key_{n:032x}", "keyword": word, "volume": n} for n, word in enumerate(words)]
    answer = await openai.chat.completions.create(
        model="sandbox-text",
        messages=block({"keywords": keywords, "clusters": ["Roses"]}),
        response_format=schema("clusters"),
    )
    made = json.loads(str(answer.choices[0].message.content))
    placed = [key for cluster in made["clusters"] for key in cluster["keyword_ids"]] + made["left_over"]
    assert sorted(placed) == [row["id"] for row in keywords]
    assert {cluster["name"]: len(cluster["keyword_ids"]) for cluster in made["clusters"]} == {
        "Roses": 3,
        "Tulip bulbs": 3,
    }
    assert made["left_over"] == [keywords[6]["id"]]


async def test_an_unknown_schema_is_answered_with_what_fits_it(openai: AsyncOpenAI) -> None:
    wanted = schema(
        "whatever",
        title={"type": "string", "maxLength": 20},
        score={"type": "integer", "minimum": 3, "maximum": 5},
        tone={"enum": ["calm", "lively"]},
        note={"anyOf": [{"type": "string"}, {"type": "null"}]},
        parts={"type": "array", "items": {"type": "boolean"}, "minItems": 4},
    )
    answer = await openai.chat.completions.create(model="sandbox-text", messages=PLAIN, response_format=wanted)
    made = json.loads(str(answer.choices[0].message.content))
    assert len(made["title"]) <= 20
    assert 3 <= made["score"] <= 5
    assert made["tone"] in ("calm", "lively")
    assert isinstance(made["note"], str)
    assert len(made["parts"]) == 4


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("unauthorized", client.AuthenticationError),
        ("rate-limited", client.RateLimitError),
        ("error-500", client.InternalServerError),
    ],
)
async def test_refusals_cost_nothing(openai: AsyncOpenAI, log: CallLog, behaviour: str, error: type) -> None:
    with pytest.raises(error) as raised:
        await openai.chat.completions.create(model=f"sandbox-text:{behaviour}", messages=PLAIN)
    assert isinstance(raised.value, client.APIStatusError)
    assert raised.value.response.headers.get("retry-after") == ("1" if behaviour == "rate-limited" else None)
    assert [(call["state"], call["key_last4"]) for call in log.listed()] == [("refused", "1234")]


async def test_flaky_works_after_as_many_calls_as_were_asked_for(openai: AsyncOpenAI) -> None:
    for _ in range(2):
        with pytest.raises(client.InternalServerError):
            await openai.chat.completions.create(model="sandbox-text:flaky-2", messages=PLAIN)
    answer = await openai.chat.completions.create(model="sandbox-text:flaky-2", messages=PLAIN)
    assert answer.choices[0].message.content


async def test_a_dropped_stream_breaks_off(openai: AsyncOpenAI, log: CallLog) -> None:
    stream = await openai.chat.completions.create(model="sandbox-text:dropped", messages=PLAIN, stream=True)
    with pytest.raises(client.APIConnectionError):
        async for _ in stream:
            pass
    assert [call["state"] for call in log.listed()] == ["aborted"]


async def test_content_can_be_cut_wrong_hostile_huge_or_refused(openai: AsyncOpenAI) -> None:
    async def content(behaviour: str) -> tuple[str, str | None, str | None]:
        asked = schema("x", name={"type": "string"})
        made = await openai.chat.completions.create(
            model=f"sandbox-text:{behaviour}", messages=PLAIN, response_format=asked
        )
        return str(made.choices[0].message.content), made.choices[0].finish_reason, made.choices[0].message.refusal

    text, finish, _ = await content("truncated")
    assert finish == "length"
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(text)
    assert json.loads((await content("wrong-schema"))[0]) == {"unexpected": True}
    assert "<script>" in (await content("hostile"))[0]
    assert "Ignore all previous instructions" in (await content("injected"))[0]
    assert len((await content("huge"))[0]) > 10_000_000
    assert (await content("refused"))[2] == "I cannot help with that."


async def test_a_behaviour_that_nobody_knows_is_an_error(openai: AsyncOpenAI) -> None:
    with pytest.raises(client.BadRequestError, match="knows no behaviour 'sloow'"):
        await openai.chat.completions.create(model="sandbox-text:sloow", messages=PLAIN)


async def test_texts_that_share_words_have_near_embeddings(openai: AsyncOpenAI) -> None:
    made = await openai.embeddings.create(
        model="sandbox-embedding", input=["running shoes", "shoes for running", "apple pie"]
    )
    one, other, third = (row.embedding for row in made.data)
    assert sum(a * b for a, b in zip(one, other, strict=True)) > 0.7
    assert sum(a * b for a, b in zip(one, third, strict=True)) < 0.4


async def test_images_have_the_size_that_was_asked_for(openai: AsyncOpenAI) -> None:
    made = await openai.images.generate(model="sandbox-image", prompt="A red rose", size="1024x1536")
    assert made.data is not None
    picture = Image.open(io.BytesIO(base64.b64decode(str(made.data[0].b64_json))))
    assert (picture.format, picture.size) == ("PNG", (1024, 1536))


async def test_models_are_listed_and_calls_told(openai: AsyncOpenAI, http: httpx2.AsyncClient, address: str) -> None:
    assert [model.id async for model in openai.models.list()] == [
        "sandbox-text",
        "sandbox-image",
        "sandbox-embedding",
    ]
    await openai.chat.completions.create(model="sandbox-text", messages=PLAIN)
    (call,) = (await http.get(f"{address}/sandbox/calls")).json()["calls"]
    assert (call["path"], call["model"], call["state"]) == ("/v1/chat/completions", "sandbox-text", "finished")
    await http.delete(f"{address}/sandbox/calls")
    assert (await http.get(f"{address}/sandbox/calls")).json() == {"calls": []}


async def test_without_a_key_nothing_is_answered(http: httpx2.AsyncClient, address: str) -> None:
    for path in ("chat/completions", "embeddings", "images/generations"):
        assert (await http.post(f"{address}/v1/{path}", json={"model": "sandbox-text"})).status_code == 401
