"""Accounts that are suspended or cancelled: everything can be read, and nothing can be changed."""

from collections.abc import Callable

import pytest

from tests.access.calls import arguments_for
from tests.access.documents import document
from tests.access.matrix import RULES, WHILE_SUSPENDED, Rule
from tests.access.stage import Stage
from tests.access.traces import changed, traces
from tests.support.api import Api

pytestmark = pytest.mark.anyio

Staged = Callable[[], Stage]
MEMBERS = "VEAO"
SAYS = "This account is suspended or cancelled: it can be read and exported, and nothing in it can be changed."

WRITES = [rule for rule in RULES if rule.operation == "mutation" and rule.need != "PUBLIC"]
READS = [rule for rule in RULES if rule.operation == "query"]


def _suspended(stage: Stage, status: str) -> Stage:
    stage.world.sql.execute("UPDATE account SET status = %s WHERE id = %s", (status, stage.tenant.id))
    return stage


@pytest.mark.parametrize("status", ["SUSPENDED", "CANCELLED"])
@pytest.mark.parametrize("rule", WRITES, ids=lambda rule: rule.field)
async def test_members_change_nothing_but_their_own_sign_in(
    api: Api, staged: Staged, rule: Rule, status: str
) -> None:
    for column in (column for column in rule.answered if column in MEMBERS):
        stage = _suspended(staged(), status)
        caller = stage.caller(column)
        arguments = arguments_for(rule.field, stage, caller)
        before = traces(stage.world.sql)
        answer = await api(document("mutation", rule.field), as_=caller.person, **arguments)
        assert "errors" not in answer, answer
        payload = answer["data"][rule.field]
        if rule.field in WHILE_SUSPENDED:
            assert payload["success"], payload
        else:
            assert payload["errors"] == [{"code": "NOT_ALLOWED_NOW", "message": SAYS, "field": [], "details": None}]
            assert changed(before, traces(stage.world.sql)) == set()


@pytest.mark.parametrize("rule", READS, ids=lambda rule: rule.field)
async def test_members_read_as_before(api: Api, staged: Staged, rule: Rule) -> None:
    stage = _suspended(staged(), "SUSPENDED")
    for column in (column for column in rule.answered if column in MEMBERS):
        caller = stage.caller(column)
        answer = await api(
            document("query", rule.field), as_=caller.person, **arguments_for(rule.field, stage, caller)
        )
        assert "errors" not in answer, answer
        assert answer["data"][rule.field] is not None


@pytest.mark.parametrize("field", ["signIn", "refreshToken"])
async def test_members_sign_in_as_before(api: Api, staged: Staged, field: str) -> None:
    stage = _suspended(staged(), "SUSPENDED")
    arguments = arguments_for(field, stage, stage.caller("-"))
    answer = await api(document("mutation", field, "{ success tokens { accessToken } }"), **arguments)
    assert answer["data"][field]["success"] is True
    token = answer["data"][field]["tokens"]["accessToken"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = await api("{ viewer { account { status } } }", headers=headers)
    assert answer["data"] == {"viewer": {"account": {"status": "SUSPENDED"}}}


async def test_operators_change_a_suspended_account(api: Api, staged: Staged) -> None:
    stage = _suspended(staged(), "SUSPENDED")
    for column in "BD":
        caller = stage.caller(column)
        answer = await api(
            'mutation { createSite(input: {name: "One more"}) { success errors { message } } }'.replace(
                "One more", stage.word()
            ),
            as_=caller.person,
            headers=caller.headers,
        )
        assert answer["data"] == {"createSite": {"success": True, "errors": []}}
