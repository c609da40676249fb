"""The prompts of an account, through the front door."""

import asyncio
from typing import Any

import psycopg
import pytest

from igny8.access import Role
from igny8.db import Database, LoginRole
from igny8.errors import ValidationFailed
from igny8.gql import ids
from igny8.system import prompts
from igny8.system.prompt_types import VARIABLES, default
from igny8.system.tables import PromptType
from tests.support.api import Api
from tests.support.graph import Graph
from tests.support.world import Tenant, World

pytestmark = pytest.mark.anyio

SHOWN = (
    "promptType value isDefault version variables { name description required } updatedAt updatedBy { id }"
    " history { version value createdAt createdBy { id } }"
)
LIST = f"{{ aiPrompts {{ {SHOWN} }} }}"
SAVE = (
    "mutation($promptType: PromptType!, $value: String!) { saveAiPrompt(promptType: $promptType, value: $value) {"
    f" success errors {{ code field message details }} prompt {{ {SHOWN} }} }} }}"
)
RESET = (
    "mutation($promptType: PromptType!) { resetAiPrompt(promptType: $promptType) {"
    f" success errors {{ code }} prompt {{ {SHOWN} }} }} }}"
)
PREVIEW = (
    "query($promptType: PromptType!, $value: String!, $subjectId: ID) {"
    " aiPromptPreview(promptType: $promptType, value: $value, subjectId: $subjectId) }"
)


async def saved(api: Api, tenant: Tenant, value: str, prompt_type: str = "CLUSTERING") -> dict[str, Any]:
    data = await api.data(SAVE, as_=tenant[Role.OWNER], promptType=prompt_type, value=value)
    payload: dict[str, Any] = data["saveAiPrompt"]
    return payload


async def test_an_account_begins_with_the_built_in_prompts(api: Api, tenant: Tenant) -> None:
    found = (await api.data(LIST, as_=tenant[Role.OWNER]))["aiPrompts"]
    assert [one["promptType"] for one in found] == [one.value for one in PromptType]
    for one in found:
        kind = PromptType(one["promptType"])
        assert one["value"] == default(kind)
        assert (one["isDefault"], one["version"], one["history"]) == (True, 0, [])
        assert (one["updatedAt"], one["updatedBy"]) == (None, None)
        assert one["variables"] == [
            {"name": each.name, "description": each.description, "required": each.required}
            for each in VARIABLES[kind]
        ]


async def test_each_save_is_a_version_and_a_reset_keeps_them(api: Api, tenant: Tenant) -> None:
    owner = tenant[Role.OWNER]
    first = (await saved(api, tenant, "First: {{data}}"))["prompt"]
    assert (first["value"], first["isDefault"], first["version"]) == ("First: {{data}}", False, 1)
    second = (await saved(api, tenant, "Second: {{data}}"))["prompt"]
    assert [(one["version"], one["value"]) for one in second["history"]] == [
        (2, "Second: {{data}}"),
        (1, "First: {{data}}"),
    ]
    assert second["updatedBy"] == second["history"][0]["createdBy"] == {"id": owner.public_id}
    assert second["updatedAt"] is not None
    assert second["history"][0]["createdAt"] is not None
    back = (await api.data(RESET, as_=owner, promptType="CLUSTERING"))["resetAiPrompt"]["prompt"]
    assert (back["value"], back["isDefault"], back["version"]) == (default(PromptType.CLUSTERING), True, 0)
    assert len(back["history"]) == 2
    assert (back["updatedAt"], back["updatedBy"]) == (None, None)
    third = (await saved(api, tenant, "Third: {{data}}"))["prompt"]
    assert third["version"] == 3
    listed = (await api.data(LIST, as_=owner))["aiPrompts"]
    assert [one["version"] for one in listed] == [3, 0, 0, 0, 0, 0, 0, 0]


async def test_a_reset_of_a_built_in_prompt_changes_nothing(api: Api, tenant: Tenant, world: World) -> None:
    payload = (await api.data(RESET, as_=tenant[Role.OWNER], promptType="IDEAS"))["resetAiPrompt"]
    assert payload["success"]
    assert world.sql.execute("SELECT count(*) FROM change WHERE account_id = %s", (tenant.id,)).fetchone() == (0,)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("No variable at all", "This prompt must hold {{data}}"),
        ("{{data}} {{keyword}}", "This prompt has no variable {{keyword}}. It has {{data}}, {{language}}"),
        ("{{data.__class__}} {{data}}", "{{data.__class__}} is not a variable"),
        ("{% raw %}{{data}}", "{% has no meaning in a prompt"),
        ("{{data}} {data}", "{data} has no meaning in a prompt. A variable is written {{name}}."),
        ("", "A prompt may not be empty."),
        ("{{data}}" + "x" * 20_000, "This may have at most 20000 characters; it has 20008."),
    ],
)
async def test_a_bad_prompt_is_refused_and_nothing_is_kept(
    api: Api, tenant: Tenant, world: World, value: str, says: str
) -> None:
    payload = await saved(api, tenant, value)
    (error,) = payload["errors"]
    assert (payload["success"], payload["prompt"]) == (False, None)
    assert (error["code"], error["field"]) == ("VALIDATION", ["value"])
    assert error["message"].startswith(says)
    count = "SELECT (SELECT count(*) FROM ai_prompt WHERE account_id = %(a)s), (SELECT count(*) FROM change WHERE account_id = %(a)s)"
    assert world.sql.execute(count, {"a": tenant.id}).fetchone() == (0, 0)


async def test_versions_saved_at_once_are_numbered_one_by_one(api: Api, tenant: Tenant) -> None:
    made = await asyncio.gather(*(saved(api, tenant, f"{number} {{{{data}}}}") for number in range(8)))
    assert all(payload["success"] for payload in made)
    prompt = (await api.data(LIST, as_=tenant[Role.OWNER]))["aiPrompts"][0]
    assert [one["version"] for one in prompt["history"]] == list(range(8, 0, -1))
    assert (prompt["version"], prompt["value"]) == (8, prompt["history"][0]["value"])


async def test_prompts_of_one_account_are_not_anothers(api: Api, tenant: Tenant, world: World) -> None:
    other = world.tenant()
    await saved(api, tenant, "Mine: {{data}}")
    for one in (await api.data(LIST, as_=other[Role.OWNER]))["aiPrompts"]:
        assert (one["isDefault"], one["history"]) == (True, [])


async def test_a_developer_saves_for_an_account(api: Api, tenant: Tenant, world: World) -> None:
    developer = world.operators()[Role.DEVELOPER]
    answer = await api(
        SAVE,
        as_=developer,
        headers={"X-Igny8-Account": tenant.public_id},
        promptType="IDEAS",
        value="By us: {{data}}",
    )
    prompt = answer["data"]["saveAiPrompt"]["prompt"]
    assert (prompt["version"], prompt["updatedBy"], prompt["history"][0]["createdBy"]) == (1, None, None)


async def test_a_preview_is_filled_with_examples(api: Api, tenant: Tenant) -> None:
    for prompt_type in PromptType:
        data = await api.data(
            PREVIEW, as_=tenant[Role.OWNER], promptType=prompt_type.value, value=default(prompt_type)
        )
        assert "{{" not in data["aiPromptPreview"]
        for variable in VARIABLES[prompt_type]:
            assert variable.example in data["aiPromptPreview"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("key", '"keyword": "puppy food"'),
        ("clu", '"name": "Puppies"'),
        ("ide", '"title": "An idea"'),
        ("tsk", '"title": "A task"'),
        ("con", '"html": "\\u003cp\\u003eText\\u003c/p\\u003e"'),
    ],
)
async def test_a_preview_is_filled_with_a_row(
    api: Api, tenant: Tenant, world: World, kind: str, expected: str
) -> None:
    graph = Graph(world, tenant, "a")
    made = {
        "clu": graph.cluster("Puppies"),
        "key": graph.keyword("puppy food", "Puppies"),
        "ide": graph.idea("An idea"),
        "tsk": graph.task("A task"),
        "con": graph.content("A content"),
    }
    subject = ids.show(kind, made[kind])
    data = await api.data(
        PREVIEW, as_=tenant[Role.ADMIN], promptType="CONTENT", value="About {{data}}", subjectId=subject
    )
    assert data["aiPromptPreview"].startswith("About <data>\n{\n")
    assert expected in data["aiPromptPreview"]


async def test_a_preview_tells_what_is_wrong_with_the_prompt(api: Api, tenant: Tenant) -> None:
    answer = await api(PREVIEW, as_=tenant[Role.OWNER], promptType="CONTENT", value="{{nothing}}")
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert error["message"].startswith("This prompt has no variable {{nothing}}.")


async def test_a_call_takes_its_own_text_then_the_accounts_then_the_built_in_one(
    api: Api, db: Database, tenant: Tenant, superuser: psycopg.Connection[Any]
) -> None:
    async def chosen(override: str | None = None) -> prompts.Prompt:
        async with db.session(LoginRole.SYSTEM) as session:
            return await prompts.chosen(session, tenant.id, PromptType.CLUSTERING, override=override)

    assert await chosen() == prompts.Prompt(PromptType.CLUSTERING, default(PromptType.CLUSTERING), 0)
    await saved(api, tenant, "Ours: {{data}}")
    assert await chosen() == prompts.Prompt(PromptType.CLUSTERING, "Ours: {{data}}", 1)
    own = await chosen("Mine: {{data}} {{language}}")
    assert (own.text, own.version) == ("Mine: {{data}} {{language}}", None)
    assert own.filled({"data": "D"}) == "Mine: D en"
    with pytest.raises(ValidationFailed) as refused:
        await chosen("Mine: {{key}}")
    assert refused.value.field == ("input", "promptOverride")
    await api.data(RESET, as_=tenant[Role.OWNER], promptType="CLUSTERING")
    assert (await chosen()).version == 0


async def test_the_types_in_the_database_are_those_of_the_code(superuser: psycopg.Connection[Any]) -> None:
    rows = superuser.execute("SELECT id, prompt_type FROM prompt_kind ORDER BY position").fetchall()
    assert rows == [(prompts.kind_id(one), one.value) for one in PromptType]
