"""Ids of other accounts, of ungranted sites and of nothing at all: nobody can tell one from another."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from igny8.access import Role
from igny8.db import new_id
from igny8.gql import ids
from tests.access.calls import arguments_for
from tests.access.documents import document, root_type, schema
from tests.access.matrix import NESTED_IDS, NULL_WITHOUT, RULES, IdArgument, Rule
from tests.access.stage import IN_SECTORS, Caller, Stage
from tests.access.traces import changed, traces
from tests.support.api import Api

pytestmark = pytest.mark.anyio

Staged = Callable[[], Stage]

#: How each kind is called in a message.
CALLED = {
    "acc": "an account",
    "aut": "an author profile",
    "clu": "a cluster",
    "con": "a content",
    "ide": "an idea",
    "img": "an image",
    "job": "a job",
    "key": "a keyword",
    "tsk": "a task",
    "ind": "an industry",
    "ins": "an industry sector",
    "pln": "a plan",
    "rev": "a revision",
    "sec": "a sector",
    "ses": "a session",
    "sit": "a site",
    "str": "a strategy",
    "upl": "a file upload",
    "usr": "a user",
}
#: Kinds whose rows belong to an account, and those that belong to a site of it.
OF_SITES = {"job", "sec", "sit", "str", "upl", *IN_SECTORS}
OF_ACCOUNTS = {"acc", "aut", "ist", "ses", "sub", "uac", "usr", *OF_SITES}
#: Answers that are never null: what cannot be found is refused, in these words.
NEVER_NULL = {
    "aiPromptPreview": {"There is nothing with this id to fill the prompt with."},
    "estimateCredits": {"No keyword with this id.", "No sector with this id."},
}

#: Arguments that go without others.
INSTEAD = {
    ("clusterKeywords", ("input", "sectorId")): ("keywordIds",),
    ("estimateCredits", ("input", "sectorId")): ("ids",),
    ("importKeywords", ("input", "uploadId")): ("csv",),
}

TAKING_IDS = [(rule, taken) for rule in RULES for taken in rule.ids]
every_id_argument = pytest.mark.parametrize(
    ("rule", "taken"), TAKING_IDS, ids=[f"{rule.field}({'.'.join(taken.path)})" for rule, taken in TAKING_IDS]
)


def test_the_table_names_every_argument_that_takes_ids() -> None:
    found = {
        (operation, name, path)
        for operation in ("query", "mutation")
        for name, field in root_type(operation).fields.items()
        for argument, declared in field.args.items()
        for path in _id_paths((argument,), declared.type)
    }
    assert {(rule.operation, rule.field, taken.path) for rule, taken in TAKING_IDS} == found


def _id_paths(path: tuple[str, ...], type_: Any) -> Iterator[tuple[str, ...]]:
    named = get_named_type(type_)
    if named.name == "ID":
        yield path
    elif isinstance(named, GraphQLInputObjectType):
        for name, field in named.fields.items():
            yield from _id_paths((*path, name), field.type)


def test_the_table_names_every_field_below_the_root_that_takes_an_id() -> None:
    roots = {root_type("query").name, root_type("mutation").name, "Subscription"}  # followed in tests of streams
    found = {
        f"{type_.name}.{name}"
        for type_ in schema().type_map.values()
        if type_.name not in roots and not type_.name.startswith("__")
        for name, field in getattr(type_, "fields", {}).items()
        if any(get_named_type(argument.type).name == "ID" for argument in getattr(field, "args", {}).values())
    }
    assert found == set(NESTED_IDS)


@every_id_argument
async def test_nobody_can_tell_a_foreign_or_ungranted_id_from_one_that_does_not_exist(
    api: Api, staged: Staged, rule: Rule, taken: IdArgument
) -> None:
    for column in rule.answered:
        stage = staged()
        caller = stage.caller(column)
        good, strange = arguments_for(rule.field, stage, caller), _strange_ids(stage, caller, taken)
        before = traces(stage.world.sql)
        answers = {}
        for id_ in strange:
            arguments = _with(rule.field, good, taken, id_)
            answer = await api(
                document(rule.operation, rule.field), as_=caller.person, headers=caller.headers, **arguments
            )
            if rule.field in NEVER_NULL:
                answers[id_] = [(error["extensions"]["code"], error["message"]) for error in answer["errors"]]
                continue
            assert "errors" not in answer, (column, id_, answer)
            answers[id_] = answer["data"][rule.field]
        assert changed(before, traces(stage.world.sql)) == set()
        (told,) = _different(answers.values())
        assert _says_there_is_none(rule, taken, told), (column, told)


def _strange_ids(stage: Stage, caller: Caller, taken: IdArgument) -> list[str]:
    """Ids that the caller must not learn anything about."""
    kinds = sorted(OF_ACCOUNTS) if taken.kind == "any" else [taken.kind]
    made = [ids.show(kind, new_id()) for kind in kinds]
    reaches_all = taken.reaches_all and caller.names_no_account
    made += [stage.id_of(kind, stage.foreign, "a") for kind in kinds if kind in OF_ACCOUNTS and not reaches_all]
    if caller.site_bound:
        made += [stage.id_of(kind, stage.tenant, "b") for kind in kinds if kind in OF_SITES]
    return made


def _different(answers: Any) -> list[Any]:
    found: list[Any] = []
    for answer in answers:
        if answer not in found:
            found.append(answer)
    return found


def _says_there_is_none(rule: Rule, taken: IdArgument, told: Any) -> bool:
    if rule.field in NEVER_NULL:
        ((code, message),) = told
        return code == "BAD_REQUEST" and message in NEVER_NULL[rule.field]
    if rule.operation == "mutation":
        errors = [(error["code"], error["field"], error["details"]) for error in told["errors"]]
        return told["success"] is False and errors == [("NOT_FOUND", taken.fault, None)]
    return told in (None, [None], {"totalCount": 0, "nodes": []})


def _with(rule_field: str, arguments: dict[str, Any], taken: IdArgument, id_: str) -> dict[str, Any]:
    """The same call with another id at this argument."""
    made = deepcopy(arguments)
    place = made
    for step in taken.path[:-1]:
        place = place.setdefault(step, {})
    place[taken.path[-1]] = [id_] if taken.several else id_
    for other in INSTEAD.get((rule_field, taken.path), ()):
        del place[other]
    return made


@every_id_argument
async def test_an_id_of_another_kind_is_refused_by_name(
    api: Api, staged: Staged, rule: Rule, taken: IdArgument
) -> None:
    stage = staged()
    caller = stage.caller(next(column for column in rule.answered if column != "-"))
    good = arguments_for(rule.field, stage, caller)
    wrong, called = ("site", "a site") if taken.kind == "usr" else ("user", "a user")
    given = ids.show("sit" if wrong == "site" else "usr", new_id())
    for id_, got in ((given, f"{called} id"), ("17", "something that is no id"), ("zzz_" + "0" * 32, None)):
        arguments = _with(rule.field, good, taken, id_)
        before = traces(stage.world.sql)
        answer = await api(
            document(rule.operation, rule.field), as_=caller.person, headers=caller.headers, **arguments
        )
        assert changed(before, traces(stage.world.sql)) == set()
        if taken.kind == "any":
            if got != f"{called} id":
                _expect_no_id(answer, taken)
            continue
        _expect_refusal(rule, taken, answer, got or "something that is no id")


def _expect_no_id(answer: dict[str, Any], taken: IdArgument) -> None:
    (error,) = answer["errors"]
    said = f"'{taken.path[-1]}': expected an id such as sit_0190f3c2..., got something that is no id."
    assert (error["extensions"]["code"], error["message"]) == ("BAD_REQUEST", said)


def _expect_refusal(rule: Rule, taken: IdArgument, answer: dict[str, Any], got: str) -> None:
    says = f"xpected {CALLED[taken.kind]} id ({taken.kind}_...), got {got}."
    if rule.operation == "mutation":
        assert "errors" not in answer, answer
        (error,) = answer["data"][rule.field]["errors"]
        assert (error["code"], error["field"], error["message"]) == ("VALIDATION", taken.fault, f"E{says}")
    else:
        (error,) = answer["errors"]
        code, message = error["extensions"]["code"], error["message"]
        assert (code, message) == ("BAD_REQUEST", f"'{taken.path[-1]}': e{says}")


@pytest.mark.parametrize("coordinate", sorted(NESTED_IDS))
async def test_below_the_root_ids_are_answered_alike_too(api: Api, staged: Staged, coordinate: str) -> None:
    kind, name = NESTED_IDS[coordinate], coordinate.partition(".")[2]
    text = f"query($site: ID!, $id: ID!) {{ site(id: $site) {{ found: {name}(id: $id) {{ id }} }} }}"
    for column in "VEAOBD":
        stage = staged()
        caller = stage.caller(column)

        async def found(id_: str, stage: Stage = stage, caller: Caller = caller) -> Any:
            answer = await api(text, as_=caller.person, headers=caller.headers, site=stage.tenant.site("a"), id=id_)
            assert "errors" not in answer, answer
            return answer["data"]["site"]["found"]

        own = stage.id_of(kind, stage.tenant, "a")
        lacks = coordinate in NULL_WITHOUT and column in "VEB"
        assert await found(own) == (None if lacks else {"id": own})
        for id_ in (ids.show(kind, new_id()), stage.id_of(kind, stage.foreign, "a"), _of_other_site(stage, kind)):
            assert await found(id_) is None


def _of_other_site(stage: Stage, kind: str) -> str:
    """An id of the account that has nothing to do with site `a`."""
    return stage.granted("b") if kind == "usr" else stage.id_of(kind, stage.tenant, "b")


async def test_developers_without_the_header_reach_every_account_by_its_id(api: Api, staged: Staged) -> None:
    stage = staged()
    for column in "bd":
        caller = stage.caller(column)
        for tenant in (stage.tenant, stage.foreign):
            answer = await api(
                "query($id: ID) { account(id: $id) { id slug } }", as_=caller.person, id=tenant.public_id
            )
            assert answer["data"] == {"account": {"id": tenant.public_id, "slug": tenant.slug}}


async def test_without_an_id_account_is_the_callers_own(api: Api, staged: Staged) -> None:
    stage = staged()
    for column in "VEAOBD":
        caller = stage.caller(column)
        answer = await api("{ account { id } }", as_=caller.person, headers=caller.headers)
        assert answer["data"] == {"account": {"id": stage.tenant.public_id}}


async def test_only_operators_may_name_an_account(api: Api, staged: Staged) -> None:
    stage = staged()
    for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER):
        for named in (stage.tenant, stage.foreign):
            headers = {"X-Igny8-Account": named.public_id}
            answer = await api("{ viewer { account { id } } }", as_=stage.tenant[role], headers=headers)
            assert answer.get("data") in (None, {"viewer": None})
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("sit_" + "0" * 32, "X-Igny8-Account: expected an account id (acc_...), got a site id."),
        ("", "X-Igny8-Account: expected an account id (acc_...), got something that is no id."),
    ],
)
async def test_a_header_that_names_no_account_is_refused_by_name(
    api: Api, staged: Staged, header: str, says: str
) -> None:
    caller = staged().caller("d")
    answer = await api("{ sites { totalCount } }", as_=caller.person, headers={"X-Igny8-Account": header})
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["message"]) == ("BAD_REQUEST", says)


OF_THE_ACCOUNT = [rule for rule in RULES if rule.need not in ("PUBLIC", "SIGNED_IN") and rule.field != "accounts"]


@pytest.mark.parametrize("rule", OF_THE_ACCOUNT, ids=lambda rule: rule.field)
async def test_operators_who_name_an_account_that_does_not_exist_find_and_change_nothing(
    api: Api, staged: Staged, rule: Rule
) -> None:
    for column in (column for column in rule.answered if column in "BD"):
        stage = staged()
        caller = stage.caller(column)
        arguments = arguments_for(rule.field, stage, caller)
        before = traces(stage.world.sql)
        headers = {"X-Igny8-Account": ids.show("acc", new_id())}
        answer = await api(document(rule.operation, rule.field), as_=caller.person, headers=headers, **arguments)
        if rule.operation == "mutation":
            (error,) = answer["errors"]
            said = (error["extensions"]["code"], error["message"])
            assert said == ("BAD_REQUEST", "X-Igny8-Account: there is no account with this id.")
        else:
            assert _found_nothing(rule.field, answer["data"] and answer["data"][rule.field])
        assert changed(before, traces(stage.world.sql)) == set()


def _found_nothing(field: str, answer: Any) -> bool:
    """No row, an empty page, or sums of nothing."""
    if field == "usageSummary" and answer is not None:
        return bool(answer["creditsUsed"] == 0 and answer["byDay"] == answer["bySite"] == [])
    return answer in (None, [], {"totalCount": 0, "nodes": []})
