"""Mutations sent twice, and what they leave in the log of changes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from igny8.db import new_id
from tests.access.calls import arguments_for
from tests.access.documents import document
from tests.access.matrix import RULES, WITHOUT_KEY, Rule
from tests.access.stage import OTHER_PASSWORD, Caller, Stage
from tests.access.traces import changed, traces
from tests.support.api import Api

pytestmark = pytest.mark.anyio

Staged = Callable[[], Stage]

MUTATIONS = [rule for rule in RULES if rule.operation == "mutation"]
#: After it nobody is signed in who could ask again.
ENDS_THE_SESSION = "signOut"
#: Written beside every mutation.
BOOKKEEPING = {"change", "change_counter", "idempotency_key"}

each_mutation = pytest.mark.parametrize("rule", MUTATIONS, ids=lambda rule: rule.field)
each_with_a_key = pytest.mark.parametrize(
    "rule",
    [rule for rule in MUTATIONS if rule.field not in {*WITHOUT_KEY, ENDS_THE_SESSION}],
    ids=lambda rule: rule.field,
)


def test_only_mutations_that_anybody_may_call_take_no_key() -> None:
    assert set(WITHOUT_KEY) == {rule.field for rule in MUTATIONS if rule.need == "PUBLIC"}


async def _call(
    api: Api, rule: Rule, caller: Caller, arguments: dict[str, Any], key: str | None = None
) -> dict[str, Any]:
    headers = {**caller.headers, **({"Idempotency-Key": key} if key else {})}
    answer = await api(document("mutation", rule.field), as_=caller.person, headers=headers, **arguments)
    assert "errors" not in answer, answer
    payload: dict[str, Any] = answer["data"][rule.field]
    return payload


@each_mutation
async def test_what_changes_rows_is_recorded_where_it_happened(api: Api, staged: Staged, rule: Rule) -> None:
    for column in rule.answered:
        stage = staged()
        caller = stage.caller(column)
        arguments = arguments_for(rule.field, stage, caller)
        before, last = traces(stage.world.sql), new_id()
        payload = await _call(api, rule, caller, arguments)
        assert payload["success"], (column, payload)
        assert changed(before, traces(stage.world.sql)) - BOOKKEEPING, column
        rows = _recorded(stage, rule.field, last)
        assert rows, f"{column}: {rule.field} changed rows and recorded nothing"
        _expect_right_place(stage, caller, rule, rows)


def _recorded(stage: Stage, action: str, last: UUID) -> list[tuple[UUID, UUID | None]]:
    """Account and actor of what this mutation recorded since."""
    return stage.world.sql.execute(
        "SELECT DISTINCT account_id, actor_id FROM change WHERE action = %s AND id > %s", (action, last)
    ).fetchall()


def _expect_right_place(stage: Stage, caller: Caller, rule: Rule, rows: list[tuple[UUID, UUID | None]]) -> None:
    if rule.need == "PUBLIC":
        return
    assert caller.person is not None
    own = rule.need == "SIGNED_IN"
    account_id = caller.person.account_id if own else stage.tenant.id
    assert rows == [(account_id, caller.person.id)]


@each_with_a_key
async def test_a_mutation_sent_twice_with_one_key_happens_once(api: Api, staged: Staged, rule: Rule) -> None:
    for column in rule.answered:
        stage = staged()
        caller = stage.caller(column)
        arguments, key = arguments_for(rule.field, stage, caller), stage.word()
        first = await _call(api, rule, caller, arguments, key)
        assert first["success"], (column, first)
        after = traces(stage.world.sql)
        assert await _call(api, rule, caller, arguments, key) == first, column
        assert changed(after, traces(stage.world.sql)) == set()


@each_with_a_key
async def test_a_key_that_was_used_for_other_input_is_refused(api: Api, staged: Staged, rule: Rule) -> None:
    stage = staged()
    caller = stage.caller(rule.answered[0])
    key = stage.word()
    first = await _call(api, rule, caller, arguments_for(rule.field, stage, caller), key)
    assert first["success"], first
    other = _other_input(rule, stage, caller)
    before = traces(stage.world.sql)
    payload = await _call(api, rule, caller, other, key)
    assert [(error["code"], error["field"]) for error in payload["errors"]] == [("CONFLICT", [])]
    assert changed(before, traces(stage.world.sql)) == set()


def _other_input(rule: Rule, stage: Stage, caller: Caller) -> dict[str, Any]:
    """A good call whose input is not the first one's."""
    if rule.field == "changePassword":
        return {"currentPassword": OTHER_PASSWORD, "newPassword": "granite lantern 5"}
    if rule.field == "setAccountStatus":
        return {"accountId": stage.tenant.public_id, "status": "CANCELLED"}
    if rule.field == "resetAiPrompt":
        return {"promptType": "CONTENT"}
    if rule.field == "deleteIntegrationSettings":
        return {"integrationType": "RUNWARE"}
    if rule.field == "testIntegrationSettings":
        return {"input": {"integrationType": "RUNWARE"}}
    if rule.field in ("deleteSite", "deleteSector"):
        return {"id": stage.tenant.site("b") if rule.field == "deleteSite" else stage.tenant.sector("b")}
    return arguments_for(rule.field, stage, caller)


@pytest.mark.parametrize(
    "rule", [rule for rule in MUTATIONS if rule.field in WITHOUT_KEY], ids=lambda rule: rule.field
)
async def test_what_anybody_may_call_keeps_no_key(api: Api, staged: Staged, rule: Rule) -> None:
    stage = staged()
    caller = stage.caller("-")
    before = traces(stage.world.sql)
    payload = await _call(api, rule, caller, arguments_for(rule.field, stage, caller), stage.word())
    assert payload["success"], payload
    assert "idempotency_key" not in changed(before, traces(stage.world.sql))


async def test_a_session_ends_once(api: Api, staged: Staged) -> None:
    stage = staged()
    caller, headers = stage.caller("V"), {"Idempotency-Key": stage.word()}
    text = "mutation { signOut { success } }"
    assert (await api(text, as_=caller.person, headers=headers))["data"] == {"signOut": {"success": True}}
    after = traces(stage.world.sql)
    answer = await api(text, as_=caller.person, headers=headers)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["UNAUTHENTICATED"]
    assert changed(after, traces(stage.world.sql)) == set()


async def test_keys_of_two_accounts_are_two_keys(api: Api, staged: Staged) -> None:
    key = "the same"
    for stage in (staged(), staged()):
        answer = await api(
            'mutation { createSite(input: {name: "One"}) { success } }',
            as_=stage.caller("A").person,
            headers={"Idempotency-Key": key},
        )
        assert answer["data"] == {"createSite": {"success": True}}
        sites = stage.world.sql.execute("SELECT count(*) FROM site WHERE account_id = %s", (stage.tenant.id,))
        assert sites.fetchone() == (3,)
