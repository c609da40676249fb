"""Every root field, called as everybody: the table says what happens, and a call that is denied changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from igny8.access import Audience, Permission
from igny8.gql.mutations import GATE
from igny8.gql.read.declarations import Gate
from igny8.gql.read.declare import declaration_of
from tests.access.calls import arguments_for
from tests.access.documents import document, root_type, schema
from tests.access.matrix import FALSE_WITHOUT, NULL_WITHOUT, RULES, TYPES, Rule
from tests.access.stage import Caller, Stage
from tests.access.traces import changed, traces
from tests.support.api import Api

pytestmark = pytest.mark.anyio

Staged = Callable[[], Stage]
CODES = {".": "UNAUTHENTICATED", "F": "FORBIDDEN", "H": "BAD_REQUEST"}
SAYS = {"H": "Name the account to act on in the header X-Igny8-Account (acc_...)."}


def test_the_table_lists_every_root_field_once() -> None:
    listed = [(rule.operation, rule.field) for rule in RULES]
    fields = [(operation, name) for operation in ("query", "mutation") for name in root_type(operation).fields]
    assert sorted(listed) == sorted(fields)


def test_the_table_names_what_each_root_field_needs() -> None:
    assert {rule.field: rule.need for rule in RULES} == {rule.field: _gate(rule).need.value for rule in RULES}


def _gate(rule: Rule) -> Gate:
    field = root_type(rule.operation).fields[rule.field]
    declared = declaration_of(field)
    gate: Gate = declared.gate if declared is not None else field.extensions["strawberry-definition"].metadata[GATE]
    return gate


def test_the_table_names_what_each_type_needs() -> None:
    sources = {
        name: type_.extensions["strawberry-definition"].origin.__source__
        for name, type_ in schema().type_map.items()
        if hasattr(getattr(type_.extensions.get("strawberry-definition"), "origin", None), "__source__")
    }
    assert {name: source.need.value for name, source in sources.items()} == TYPES


def test_the_table_names_every_field_that_is_stricter_than_its_type() -> None:
    stricter = {}
    for type_name in TYPES:
        for name, field in schema().type_map[type_name].fields.items():  # type: ignore[attr-defined]  # an object
            need = getattr(declaration_of(field), "need", None)
            if need is not None:
                stricter[f"{type_name}.{name}"] = need.value
    assert stricter == {**NULL_WITHOUT, **FALSE_WITHOUT}


def test_needs_are_permissions_or_audiences() -> None:
    assert {rule.need for rule in RULES} <= {*Permission, *Audience}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.field)
async def test_everybody_gets_what_the_table_says(api: Api, staged: Staged, rule: Rule) -> None:
    answers = {column: await _cell(api, staged(), rule, column) for column in rule.cells}
    assert answers == rule.cells


async def _cell(api: Api, stage: Stage, rule: Rule, column: str) -> str:
    """The cell as it is: a letter of the table, or the answer where none fits."""
    caller = stage.caller(column)
    arguments = arguments_for(rule.field, stage, caller)
    before = traces(stage.world.sql)
    answer = await call(api, rule, caller, arguments)
    if "errors" not in answer:
        return "y" if _good(rule, answer["data"][rule.field]) else repr(answer["data"])
    left = changed(before, traces(stage.world.sql))
    if left or len(answer["errors"]) != 1 or (answer.get("data") or {}).get(rule.field) is not None:
        return f"{answer}, and changed {left}"
    error = answer["errors"][0]
    for letter, code in CODES.items():
        if error["extensions"]["code"] == code and SAYS.get(letter, error["message"]) == error["message"]:
            return letter
    return repr(error)


def _good(rule: Rule, found: Any) -> bool:
    if rule.operation == "mutation":
        return found["success"] is True and found["errors"] == []
    return found is not None


async def call(api: Api, rule: Rule, caller: Caller, arguments: dict[str, Any], **headers: str) -> dict[str, Any]:
    text = document(rule.operation, rule.field)
    sent = {**caller.headers, **headers}
    return await api(text, as_=caller.person, headers=sent, **arguments)
