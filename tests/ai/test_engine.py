"""Calls to providers: paid once, repeated when that helps, told in plain words when it does not."""

import array
import io
import json
from decimal import Decimal
from itertools import pairwise

import pytest
from PIL import Image
from pydantic import BaseModel, Field
from structlog.testing import capture_logs

from igny8.ai.calls import EmbeddingCall, ImageCall, Provider, TextCall
from igny8.ai.engine import Engine
from igny8.ai.errors import AiError, AiErrorCode
from igny8.ai.steps import DailyCaps, Stored
from tests.ai.conftest import KEY, Bench

pytestmark = pytest.mark.anyio


class Note(BaseModel):
    title: str
    body: str = Field(min_length=20)


def note(behaviour: str = "", *, model: str = "sandbox-text") -> TextCall[Note]:
    name = f"{model}:{behaviour}" if behaviour else model
    return TextCall(name, "Write a note about garden roses.", Note, "note", live="body")


async def refused(engine: Engine, bench: Bench, call: TextCall[Note]) -> AiError:
    with pytest.raises(AiError) as raised:
        await engine.text(bench.connection(), call, steps=bench.steps(), key="note")
    return raised.value


async def test_an_answer_is_parsed_streamed_and_metered(engine: Engine, bench: Bench) -> None:
    told: list[str] = []
    made = await engine.text(bench.connection(), note(), steps=bench.steps(), key="note", on_text=told.append)
    assert told[-1] == made.value.body
    assert all(later.startswith(earlier) for earlier, later in pairwise(told))
    usage = made.usage
    assert (
        usage.cost_usd == (usage.tokens_input * Decimal("0.40") + usage.tokens_output * Decimal("1.60")) / 1_000_000
    )
    (call,) = await bench.calls()
    assert (call.state, call.cost_usd, call.tokens_output) == ("STORED", usage.cost_usd, usage.tokens_output)
    assert made.repairs == ()


async def test_a_stored_answer_is_not_paid_for_again(engine: Engine, bench: Bench) -> None:
    first = await engine.text(bench.connection(), note(), steps=bench.steps(), key="note")
    again = await engine.text(bench.connection(), note(), steps=bench.steps(), key="note")
    other = await engine.text(bench.connection(), note(), steps=bench.steps(), key="another")
    assert first == again
    assert other.value == first.value
    assert bench.states() == ["finished"] * 2


async def test_a_call_whose_worker_died_is_abandoned_and_made_again(engine: Engine, bench: Bench) -> None:
    assert not isinstance(await bench.steps().begin("note", bench.connection(), "sandbox-text"), Stored)
    made = await engine.text(bench.connection(), note(), steps=bench.steps(), key="note")
    assert [(call.state, call.answer is None) for call in await bench.calls()] == [
        ("ABANDONED", True),
        ("STORED", False),
    ]
    assert made.value.title


@pytest.mark.parametrize(
    ("behaviour", "code", "calls"),
    [
        ("unauthorized", AiErrorCode.PROVIDER_AUTH, 1),
        ("refused", AiErrorCode.AI_REFUSED, 1),
        ("error-500", AiErrorCode.PROVIDER_UNAVAILABLE, 3),
        ("dropped", AiErrorCode.PROVIDER_UNAVAILABLE, 3),
        ("rate-limited", AiErrorCode.PROVIDER_LIMIT, 3),
        ("wrong-schema", AiErrorCode.AI_OUTPUT_INVALID, 2),
        ("truncated", AiErrorCode.AI_OUTPUT_INVALID, 2),
        ("huge", AiErrorCode.AI_OUTPUT_INVALID, 1),
    ],
)
async def test_faults_are_told_and_repeated_where_that_can_help(
    engine: Engine, bench: Bench, behaviour: str, code: AiErrorCode, calls: int
) -> None:
    error = await refused(engine, bench, note(behaviour))
    assert error.code is code
    assert len(bench.log.listed()) == calls
    assert error.retryable == (calls == 3)
    assert error.retry_after == (1.0 if behaviour == "rate-limited" else None)
    stored = behaviour in ("wrong-schema", "truncated")
    assert {call.state for call in await bench.calls()} == {"STORED" if stored else "FAILED"}


async def test_a_fault_that_passes_is_not_seen(engine: Engine, bench: Bench) -> None:
    made = await engine.text(bench.connection(), note("flaky-2"), steps=bench.steps(), key="note")
    assert made.value.title
    assert bench.states() == ["refused", "refused", "finished"]


async def test_an_answer_in_the_wrong_form_is_asked_for_once_more_at_our_cost(engine: Engine, bench: Bench) -> None:
    class Long(BaseModel):
        title: str = Field(min_length=10_000)

    with pytest.raises(AiError, match="did not answer in the form"):
        await engine.text(
            bench.connection(), TextCall("sandbox-text", "Write.", Long, "x"), steps=bench.steps(), key="note"
        )
    assert [(call.step_key, call.repairs) for call in await bench.calls()] == [("note", False), ("note:repair", True)]


async def test_what_is_not_answered_in_time_is_a_timeout(engine: Engine, bench: Bench) -> None:
    from igny8 import outgoing
    from igny8.ai.providers import engine as engine_over

    async with outgoing.client(True, timeout=0.3) as http:
        impatient = engine_over(http, engine.catalogue)
        error = await refused(impatient, bench, note("slow-5"))
    assert (error.code, error.retryable) == (AiErrorCode.TIMEOUT, True)


async def test_an_unknown_model_costs_an_unknown_sum(engine: Engine, bench: Bench) -> None:
    with capture_logs() as lines:
        made = await engine.text(bench.connection(), note(model="house-model"), steps=bench.steps(), key="note")
    assert made.usage.cost_usd is None
    assert (await bench.calls())[0].cost_usd is None
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["unknown price"]


async def test_the_servers_key_has_a_daily_cap_and_the_accounts_own_has_none(engine: Engine, bench: Bench) -> None:
    bench.caps = DailyCaps(Decimal("0.000001"), Decimal(1_000))
    await engine.text(bench.connection(), note(), steps=bench.steps(), key="first")
    with pytest.raises(AiError, match="budget") as raised:
        await engine.text(bench.connection(), note(), steps=bench.steps(), key="second")
    assert (raised.value.code, raised.value.retryable) == (AiErrorCode.PROVIDER_LIMIT, False)
    bench.caps = DailyCaps(Decimal(1_000), Decimal("0.000001"))
    with pytest.raises(AiError, match="budget"):
        await engine.text(bench.connection(), note(), steps=bench.steps(), key="second")
    await engine.text(bench.connection(owner="ACCOUNT"), note(), steps=bench.steps(), key="second")
    assert bench.states() == ["finished"] * 2


@pytest.mark.parametrize("provider", list(Provider))
async def test_a_picture_is_stored_as_the_provider_made_it(engine: Engine, bench: Bench, provider: Provider) -> None:
    model = {Provider.OPENAI: "sandbox-image", Provider.RUNWARE: "runware:97@1"}[provider]
    call = ImageCall(model, "A red rose", 512, 768)
    made = await engine.image(bench.connection(provider), call, steps=bench.steps(), key="rose")
    picture = Image.open(io.BytesIO(made.value))
    assert (picture.format, picture.size) == ("PNG", (512, 768))
    assert made.usage.cost_usd == {Provider.OPENAI: Decimal("0.04"), Provider.RUNWARE: Decimal("0.0019")}[provider]
    again = await engine.image(bench.connection(provider), call, steps=bench.steps(), key="rose")
    assert again.value == made.value
    assert len(bench.states()) == 1


async def test_a_provider_that_does_not_speak_text_says_so(engine: Engine, bench: Bench) -> None:
    with pytest.raises(AiError, match="RUNWARE does not make text"):
        await engine.text(bench.connection(Provider.RUNWARE), note(), steps=bench.steps(), key="note")


async def test_embeddings_come_in_the_order_of_the_texts(engine: Engine, bench: Bench) -> None:
    call = EmbeddingCall("sandbox-embedding", ("running shoes", "apple pie", "shoes for running"))
    made = await engine.embed(bench.connection(), call, steps=bench.steps(), key="vectors")
    floats = array.array("f", made.value)
    vectors = [floats[n * 256 : n * 256 + 256] for n in range(3)]
    near = sum(a * b for a, b in zip(vectors[0], vectors[2], strict=True))
    far = sum(a * b for a, b in zip(vectors[0], vectors[1], strict=True))
    assert near > 0.7 > far


async def test_an_address_inside_is_not_called(engine: Engine, bench: Bench) -> None:
    from igny8 import outgoing
    from igny8.ai.providers import engine as engine_over

    async with outgoing.client(False) as http:
        error = await refused(engine_over(http, engine.catalogue), bench, note())
    assert (error.code, error.retryable) == (AiErrorCode.PROVIDER_UNAVAILABLE, False)
    assert bench.states() == []


async def test_a_key_is_in_no_error_log_or_row(engine: Engine, bench: Bench) -> None:
    with capture_logs() as lines:
        errors = [
            await refused(engine, bench, note(b)) for b in ("unauthorized", "error-500", "dropped", "wrong-schema")
        ]
    rows = [
        json.dumps({c.name: str(getattr(row, c.name)) for c in row.__table__.columns}) for row in await bench.calls()
    ]
    for text in (*map(str, lines), *map(str, errors), *map(repr, errors), *rows, repr(bench.connection())):
        assert KEY not in text
