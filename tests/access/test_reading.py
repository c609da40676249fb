"""Every path of the schema, three rows deep, read as every role: what a role lacks is null, and nothing fails."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLUnionType, get_named_type, is_leaf_type, is_required_argument

from igny8.access import PERMISSIONS, Permission, Role
from tests.access.calls import arguments_for
from tests.access.documents import deep, document, root_type, schema
from tests.access.matrix import NULL_WITHOUT, RULES, TYPES, Rule
from tests.access.stage import Stage
from tests.support.api import Api

pytestmark = pytest.mark.anyio

DEPTH = 3
ROLES = {
    "V": Role.VIEWER, "E": Role.EDITOR, "A": Role.ADMIN, "O": Role.OWNER,
    "B": Role.SYSTEM_BOT, "b": Role.SYSTEM_BOT, "D": Role.DEVELOPER, "d": Role.DEVELOPER,
}  # fmt: skip
#: What `node` finds of each type, by the kind of its ids; industries and plans are everybody's.
NODE_KINDS = {
    "Account": "acc", "AccountSubscription": "sub", "Sector": "sec", "Site": "sit", "SiteUserAccess": "uac",
    "User": "usr", "Cluster": "clu", "Content": "con", "ContentIdea": "ide", "Image": "img", "Keyword": "key",
    "Task": "tsk", "AuthorProfile": "aut", "IntegrationSettings": "ist", "Strategy": "str",
    "CreditTransaction": "ctr", "CreditUsageLog": "cus", "Job": "job", "ContentRevision": "rev",
}  # fmt: skip

QUERIES = [rule for rule in RULES if rule.operation == "query" and rule.field not in ("node", "nodes")]


@pytest.mark.parametrize("rule", QUERIES, ids=lambda rule: rule.field)
async def test_every_path_reads_without_an_error_and_what_a_role_lacks_is_null(
    api: Api, staged: Callable[[], Stage], rule: Rule
) -> None:
    stage = staged()
    type_ = get_named_type(root_type("query").fields[rule.field].type)
    for column in rule.answered:
        caller = stage.caller(column)
        _let_everybody_have_signed_in(stage)
        for selection in _selections(type_):
            answer = await api(
                document("query", rule.field, selection),
                as_=caller.person,
                headers=caller.headers,
                **arguments_for(rule.field, stage, caller),
            )
            assert "errors" not in answer, (column, selection, answer["errors"])
            found = answer["data"][rule.field]
            assert found is not None
            _expect_null_where_lacking(found, type_, column, rule.field)


@pytest.mark.parametrize("type_name", sorted(NODE_KINDS))
async def test_a_node_reads_as_by_any_other_path(api: Api, staged: Callable[[], Stage], type_name: str) -> None:
    stage = staged()
    type_ = schema().type_map[type_name]
    for column in "VEAOBD":
        caller = stage.caller(column)
        _let_everybody_have_signed_in(stage)
        may = Permission(TYPES[type_name]) in PERMISSIONS[ROLES[column]]
        id_ = stage.id_of(NODE_KINDS[type_name], stage.tenant, "a")
        for selection in _selections(type_):
            text = f"query($id: ID!) {{ node(id: $id) {{ ... on {type_name} {selection} }} }}"
            answer = await api(text, as_=caller.person, headers=caller.headers, id=id_)
            assert "errors" not in answer, (column, selection, answer["errors"])
            assert (answer["data"]["node"] is not None) == may
            _expect_null_where_lacking(answer["data"]["node"], type_, column, "node")


def _selections(type_: Any) -> Iterator[str]:
    """The leaves, and then one edge after the other, so that no document is too large."""
    if is_leaf_type(type_):
        yield ""
        return
    if "pageInfo" in type_.fields:
        inner = get_named_type(type_.fields["nodes"].type)
        yield from (f"{{ nodes {selection} }}" for selection in _selections(inner))
        return
    yield deep(type_, 1)
    if isinstance(type_, GraphQLUnionType):
        return
    for name, field in type_.fields.items():
        target = get_named_type(field.type)
        if not is_leaf_type(target) and not any(is_required_argument(given) for given in field.args.values()):
            yield f"{{ {name} {deep(target, DEPTH - 1)} }}"


def _expect_null_where_lacking(found: Any, type_: Any, column: str, path: str) -> None:
    if isinstance(found, list):
        for item in found:
            _expect_null_where_lacking(item, type_, column, path)
        return
    if found is None or not isinstance(type_, GraphQLObjectType):
        return
    for name, value in found.items():
        if name == "__typename":
            continue
        need = NULL_WITHOUT.get(f"{type_.name}.{name}")
        if need is not None:
            may = column != "-" and Permission(need) in PERMISSIONS[ROLES[column]]
            assert (value is not None) == may, f"{path}.{name} as {column}"
        _expect_null_where_lacking(value, get_named_type(type_.fields[name].type), column, f"{path}.{name}")


def _let_everybody_have_signed_in(stage: Stage) -> None:
    """So that `lastSignedInAt` is null for those alone who lack the permission."""
    stage.world.sql.execute("UPDATE app_user SET last_signed_in_at = now() WHERE last_signed_in_at IS NULL")
