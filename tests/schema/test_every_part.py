"""Nothing in the schema is a shell: every field answers, every input is taken, every value of an enum is told."""

from collections.abc import Callable
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from psycopg import sql
from psycopg.types.json import Jsonb

from igny8.access import Role
from igny8.gql import ids
from igny8.jobs.tables import UNFINISHED, JobErrorCode, JobState
from tests.access.conftest import password_hash, staged
from tests.access.documents import deep, root_type, schema
from tests.access.matrix import TYPES
from tests.access.stage import PASSWORD, Stage
from tests.schema.samples import fill_nulls, inputs_of
from tests.support.api import Api

__all__ = ["password_hash", "staged"]  # fixtures

pytestmark = pytest.mark.anyio

Staged = Callable[[], Stage]

#: Ids of rows that are everybody's: table and condition.
GLOBAL = {"Plan": "plan", "Industry": "industry", "IndustrySector": "industry_sector", "SeedKeyword": "seed_keyword"}
PREFIXES = {
    "Account": "acc", "AccountSubscription": "sub", "Cluster": "clu", "Content": "con", "ContentIdea": "ide",
    "Image": "img", "Keyword": "key", "Sector": "sec", "Session": "ses", "Site": "sit", "SiteUserAccess": "uac",
    "AuthorProfile": "aut", "IntegrationSettings": "ist", "Strategy": "str", "Task": "tsk", "User": "usr",
    "Plan": "pln", "Industry": "ind", "IndustrySector": "ins", "SeedKeyword": "skw",
    "CreditTransaction": "ctr", "CreditUsageLog": "cus", "Job": "job", "ContentRevision": "rev",
}  # fmt: skip
NODES = sorted(PREFIXES)


#: Types of rows that are no nodes; other tests see them.
NO_NODES = {"AIPrompt", "AIPromptVersion", "GenerationRecord", "JobEvent", "JobItem", "Viewer"}


def test_every_type_of_rows_is_read_here() -> None:
    assert set(TYPES) - NO_NODES == set(PREFIXES)


REPORT = {
    "ok": False,
    "checks": [{"id": "key", "passed": False, "blocking": True, "message": "No.", "remedy": "Another."}],
    "testedAt": "2026-01-01T00:00:00+00:00",
}


OUTCOME = {
    "proposals": [{"name": "P", "description": "D", "keywordIds": ["key_1"], "score": 0.5}],
    "clustersCreated": 1,
    "clustersExtended": 0,
    "requests": 1,
}


def _id_of(stage: Stage, type_name: str) -> str:
    if type_name in GLOBAL:
        return stage.some(GLOBAL[type_name], PREFIXES[type_name])
    if type_name == "Session":
        owner = stage.tenant[Role.OWNER]
        return "ses_" + owner.session_id.hex
    return stage.id_of(PREFIXES[type_name], stage.tenant, "a")


def _without_null(stage: Stage) -> None:
    """Let each row refer to whatever it can, and have a value in every column."""
    stage.id_of("img", stage.tenant, "a")
    tenant, run = stage.tenant, stage.world.sql.execute
    owner = tenant[Role.OWNER].id
    run("UPDATE site SET industry_id = (SELECT id FROM industry LIMIT 1) WHERE account_id = %s", (tenant.id,))
    run("UPDATE site_user_access SET granted_by_id = %s WHERE account_id = %s", (owner, tenant.id))
    run(
        "UPDATE sector SET industry_sector_id = (SELECT id FROM industry_sector LIMIT 1) WHERE account_id = %s",
        (tenant.id,),
    )
    run(
        'UPDATE content_idea SET outline = \'[{"heading": "Why", "level": 2, "notes": "n"}]\' WHERE account_id = %s',
        (tenant.id,),
    )
    for kind in ("aut", "ist", "str", "ctr", "cus"):
        stage.id_of(kind, tenant, "a")
    run(
        "UPDATE integration_settings SET image_style = 'CARTOON', last_test = %s WHERE account_id = %s",
        (Jsonb(REPORT), tenant.id),
    )
    before, job_id = stage.ended_job(tenant, "a"), stage.id_of("job", tenant, "a")
    left_over = [stage.id_of("key", tenant, "a")]
    for table in ("image", "job", "job_item"):
        failed = "error_code = 'TIMEOUT', error_message = 'Slow.', error_retryable = true"
        run(f"UPDATE {table} SET {failed} WHERE account_id = %s", (tenant.id,))
    run(
        "UPDATE job SET outcome = %s, outcome_type = 'ClusteringReport', started_at = now(),"
        " retry_of_id = %s WHERE id = %s",
        (Jsonb({**OUTCOME, "leftOver": left_over}), ids.parse("job", before), ids.parse("job", job_id)),
    )
    for table, of_a_job in (("credit_entry", ", transaction_type = 'DEDUCTION'"), ("credit_usage", "")):
        run(f"UPDATE {table} SET job_id = %s{of_a_job} WHERE account_id = %s", (ids.parse("job", job_id), tenant.id))
    for column, kind, table in (
        ("author_profile_id", "aut", "task"),
        ("strategy_id", "str", "task"),
        ("job_id", "job", "content_generation"),
        ("job_id", "job", "content_revision"),
    ):
        made = ids.parse(kind, stage.id_of(kind, tenant, "a"))
        run(f"UPDATE {table} SET {column} = %s WHERE account_id = %s", (made, tenant.id))
    run("UPDATE content_revision SET user_id = %s WHERE account_id = %s", (owner, tenant.id))
    run(
        "UPDATE job_item SET subject_id = (SELECT id FROM task WHERE account_id = %s LIMIT 1), subject_kind = 'task'"
        " WHERE account_id = %s AND job_id = %s",
        (tenant.id, tenant.id, ids.parse("job", before)),
    )
    run(
        "INSERT INTO stored_file (account_id, site_id, key) SELECT account_id, id,"
        " replace(account_id::text, '-', '') || '/' || encode(sha256(id::text::bytea), 'hex') || '.webp'"
        " FROM site WHERE account_id = %s",
        (tenant.id,),
    )
    run(
        "UPDATE image SET style = 'REALISTIC', file_key = f.key, thumbnail_key = f.key FROM stored_file f"
        " WHERE image.account_id = %s AND f.account_id = image.account_id AND f.site_id = image.site_id"
        " AND f.expires_at IS NULL",
        (tenant.id,),
    )
    fill_nulls(stage.world.sql, tenant.id)


@pytest.mark.parametrize("type_name", NODES)
async def test_every_field_of_a_row_answers_more_than_null(api: Api, staged: Staged, type_name: str) -> None:
    stage = staged()
    _without_null(stage)
    text = f"query($id: ID!) {{ node(id: $id) {{ __typename id ... on {type_name} {deep(_type(type_name), 2)} }} }}"
    data = await api.data(text, as_=stage.tenant[Role.OWNER], id=_id_of(stage, type_name))
    assert [name for name, value in data["node"].items() if value is None] == []


def _type(name: str) -> Any:
    return schema().type_map[name]


#: A value of these goes with values of other columns; tests of their own tell each one.
DERIVED = {("CreditTransaction", "transactionType"), ("Job", "state")}
ENUM_FIELDS = [
    (type_name, name)
    for type_name in NODES
    for name, field in _type(type_name).fields.items()
    if isinstance(get_named_type(field.type), GraphQLEnumType) and (type_name, name) not in DERIVED
    if type_name not in GLOBAL
]


@pytest.mark.parametrize(("type_name", "field"), ENUM_FIELDS, ids=lambda part: part)
async def test_every_value_of_an_enum_is_stored_and_told(
    api: Api, staged: Staged, type_name: str, field: str
) -> None:
    stage = staged()
    id_, values = _id_of(stage, type_name), list(get_named_type(_type(type_name).fields[field].type).values)
    table = _type(type_name).extensions["strawberry-definition"].origin.__source__.table.name
    column = _type(type_name).fields[field].extensions["strawberry-definition"].python_name
    told = []
    for value in values:
        if value == "OWNER":
            continue  # there is one already, and there is never another one
        several = is_list_type(get_nullable_type(_type(type_name).fields[field].type))
        _set(stage, table, column, id_, [value] if several else value)
        text = f"query($id: ID!) {{ node(id: $id) {{ __typename ... on {type_name} {{ {field} }} }} }}"
        found = (await api.data(text, as_=stage.tenant[Role.OWNER], id=id_))["node"][field]
        told += found if several else [found]
    assert told == [value for value in values if value != "OWNER"]


async def test_every_state_of_a_job_is_told(api: Api, staged: Staged) -> None:
    stage = staged()
    id_, told = stage.id_of("job", stage.tenant, "a"), []
    text = "query($id: ID!) { job(id: $id) { state items { nodes { state } } } }"
    for value in JobState:
        running, over = value is JobState.RUNNING, value not in UNFINISHED
        stage.world.sql.execute(
            "UPDATE job SET state = %s, lease_until = CASE WHEN %s THEN now() END, finished_at = CASE WHEN %s THEN now() END"
            " WHERE id = %s",
            (value, running, over, ids.parse("job", id_)),
        )
        told.append((await api.data(text, as_=stage.tenant[Role.VIEWER], id=id_))["job"]["state"])
    assert told == list(JobState)


async def test_every_code_of_a_jobs_error_is_told(api: Api, staged: Staged) -> None:
    stage = staged()
    id_, told = stage.id_of("job", stage.tenant, "a"), []
    text = "query($id: ID!) { job(id: $id) { error { code message retryable } items { nodes { error { code } } } } }"
    for value in JobErrorCode:
        failed = "error_code = %s, error_message = 'It failed.', error_retryable = false"
        stage.world.sql.execute(f"UPDATE job SET {failed} WHERE id = %s", (value, ids.parse("job", id_)))
        told.append((await api.data(text, as_=stage.tenant[Role.VIEWER], id=id_))["job"]["error"])
    assert told == [{"code": code, "message": "It failed.", "retryable": False} for code in JobErrorCode]


def _set(stage: Stage, table: str, column: str, id_: str, value: str | list[str]) -> None:
    """As if the row had come there; triggers that derive the value are left out."""
    with stage.world.sql.transaction():
        stage.world.sql.execute("SET LOCAL session_replication_role = replica")
        stage.world.sql.execute(
            sql.SQL("UPDATE {} SET {} = %s WHERE id = %s").format(sql.Identifier(table), sql.Identifier(column)),
            (value, id_[4:]),
        )


PAGES = [
    (name, argument)
    for name, field in root_type("query").fields.items()
    for argument in ("filter", "orderBy")
    if argument in field.args
]


@pytest.mark.parametrize(("field", "argument"), PAGES, ids=lambda part: part)
async def test_every_filter_and_order_is_taken(api: Api, staged: Staged, field: str, argument: str) -> None:
    stage = staged()
    declared = root_type("query").fields[field].args[argument]
    type_ = get_named_type(declared.type)
    assert isinstance(type_, GraphQLInputObjectType)
    page = "totalCount nodes { id } edges { cursor node { id } }"
    page += " pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
    text = f"query($given: {declared.type}) {{ page: {field}({argument}: $given) {{ {page} }} }}"
    for given in inputs_of(type_, stage):
        sent = [given] if argument == "orderBy" else given
        data = await api.data(text, as_=stage.tenant[Role.OWNER], given=sent)
        assert len(data["page"]["nodes"]) == data["page"]["totalCount"]


async def test_every_role_has_the_permissions_of_the_table(api: Api, staged: Staged) -> None:
    stage = staged()
    for column in "VEAOBD":
        caller = stage.caller(column)
        answer = await api("{ viewer { role permissions session { id current } user { id } } }", as_=caller.person,
                           headers=caller.headers)  # fmt: skip
        assert caller.person is not None
        assert answer["data"]["viewer"]["role"] == caller.person.role
        assert answer["data"]["viewer"]["permissions"]


async def test_every_field_of_the_inputs_of_sites_is_taken(api: Api, staged: Staged) -> None:
    stage = staged()
    given = {
        "name": "A", "slug": "the-slug", "domain": "example.com", "industryId": stage.some("industry", "ind"),
        "language": "de", "timezone": "Europe/Berlin", "wpUrl": "https://wp.example.com", "wpUsername": "ada",
        "wpAppPassword": "abcd efgh",
    }  # fmt: skip
    shown = "name slug domain industry { id } language timezone wpUrl wpUsername hasWpAppPassword status"
    told: dict[str, Any] = {key: value for key, value in given.items() if key not in ("industryId", "wpAppPassword")}
    told |= {"industry": {"id": given["industryId"]}, "hasWpAppPassword": True}
    as_ = stage.tenant[Role.OWNER]
    create = f"mutation($input: CreateSiteInput!) {{ createSite(input: $input) {{ success site {{ id {shown} }} }} }}"
    made = (await api.data(create, as_=as_, input=given))["createSite"]["site"]
    assert made == {"id": made["id"], "status": "ACTIVE", **told}
    update = f"mutation($input: UpdateSiteInput!) {{ updateSite(input: $input) {{ success site {{ {shown} }} }} }}"
    given = {**given, "id": made["id"], "name": "B", "slug": "other-slug", "status": "INACTIVE"}
    changed = (await api.data(update, as_=as_, input=given))["updateSite"]["site"]
    assert changed == {**told, "name": "B", "slug": "other-slug", "status": "INACTIVE"}


async def test_every_field_of_the_inputs_of_sectors_is_taken(api: Api, staged: Staged) -> None:
    stage = staged()
    given = {
        "siteId": stage.tenant.site("a"), "name": "A", "slug": "the-slug", "description": "D",
        "industrySectorId": stage.some("industry_sector", "ins"),
    }  # fmt: skip
    as_ = stage.tenant[Role.OWNER]
    shown = "sector { id name slug description status }"
    create = f"mutation($input: CreateSectorInput!) {{ createSector(input: $input) {{ {shown} }} }}"
    made = (await api.data(create, as_=as_, input=given))["createSector"]["sector"]
    expected = {"id": made["id"], "name": "A", "slug": "the-slug", "description": "D", "status": "ACTIVE"}
    assert made == expected
    change = {"id": made["id"], "name": "B", "slug": "other-slug", "description": None, "status": "INACTIVE"}
    update = f"mutation($input: UpdateSectorInput!) {{ updateSector(input: $input) {{ {shown} }} }}"
    assert (await api.data(update, as_=as_, input=change))["updateSector"]["sector"] == change


async def test_every_field_of_the_inputs_of_people_is_taken(api: Api, staged: Staged) -> None:
    stage = staged()
    owner, slug = stage.with_password(stage.tenant[Role.OWNER]), stage.word()
    invited = await api.data(
        "mutation($input: InviteUserInput!) { inviteUser(input: $input) { user { name role status"
        " siteAccess { nodes { site { id } grantedBy { id } } } } } }",
        as_=owner,
        input={"email": stage.email(), "name": "Bo", "role": "EDITOR", "siteIds": [stage.tenant.site("b")]},
    )
    grant = {"site": {"id": stage.tenant.site("b")}, "grantedBy": {"id": owner.public_id}}
    assert invited["inviteUser"]["user"] == {
        "name": "Bo", "role": "EDITOR", "status": "INVITED", "siteAccess": {"nodes": [grant]},
    }  # fmt: skip
    email = stage.email()
    changed = await api.data(
        "mutation($account: UpdateAccountInput!, $profile: UpdateProfileInput!) {"
        " updateAccount(input: $account) { account { name slug } }"
        " updateProfile(input: $profile) { user { name email } } }",
        as_=owner,
        account={"name": "Other", "slug": slug},
        profile={"name": "Ada", "email": email, "currentPassword": PASSWORD},
    )
    assert changed == {
        "updateAccount": {"account": {"name": "Other", "slug": slug}},
        "updateProfile": {"user": {"name": "Ada", "email": email}},
    }
    entered = await api.data(
        "mutation($input: SignInInput!) { signIn(input: $input) {"
        " tokens { accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt }"
        " viewer { account { slug } user { email } } } }",
        input={"email": email, "password": PASSWORD, "accountSlug": slug},
    )
    assert entered["signIn"]["viewer"] == {"account": {"slug": slug}, "user": {"email": email}}


async def test_a_new_account_is_called_as_it_says(api: Api, staged: Staged) -> None:
    data = await api.data(
        "mutation($input: SignUpInput!) { signUp(input: $input) { viewer { account { name } } } }",
        input={"email": staged().email(), "password": PASSWORD, "name": "Ada", "accountName": "Acme"},
    )
    assert data == {"signUp": {"viewer": {"account": {"name": "Acme"}}}}


async def test_an_invitation_tells_who_invited(api: Api, staged: Staged) -> None:
    stage = staged()
    guest = stage.user(status="INVITED")
    token = stage.mailed(guest, "INVITATION")
    owner = stage.tenant[Role.OWNER]
    stage.world.sql.execute("UPDATE mail_token SET created_by_id = %s WHERE user_id = %s", (owner.id, guest.id))
    data = await api.data(
        "query($token: String!) { invitation(token: $token) { accountName email role invitedBy expiresAt } }",
        token=token,
    )
    expires_at = data["invitation"].pop("expiresAt")
    assert expires_at.endswith("Z") or "+00:00" in expires_at
    assert data["invitation"] == {
        "accountName": "Tenant", "email": guest.email, "role": "VIEWER", "invitedBy": "Owner person",
    }  # fmt: skip


async def test_a_plan_says_how_often_it_is_paid(api: Api, staged: Staged) -> None:
    text = "query($id: ID!) { node(id: $id) { ... on Plan { billingCycle } } }"
    stage = staged()
    for id_, cycle in ((stage.some("plan", "pln", "slug = 'scale'"), "MONTHLY"), (stage.plan_for_all(), "ANNUAL")):
        assert await api.data(text, id=id_, as_=stage.tenant[Role.VIEWER]) == {"node": {"billingCycle": cycle}}


async def test_what_is_taken_and_what_is_full_is_told_by_its_code(api: Api, staged: Staged) -> None:
    stage = staged()
    text = "mutation($name: String!) { createSite(input: {name: $name}) { errors { code field details } } }"
    owner = stage.tenant[Role.OWNER]
    taken = await api.data(text, as_=owner, name="a")
    assert taken["createSite"]["errors"] == [{"code": "ALREADY_EXISTS", "field": ["input", "slug"], "details": None}]
    stage.world.sql.execute(
        "UPDATE subscription SET plan_id = (SELECT id FROM plan WHERE slug = 'free-trial') WHERE account_id = %s",
        (stage.tenant.id,),
    )
    full = await api.data(text, as_=owner, name="c")
    details = {"limit": "SITES", "used": 2, "max": 2}
    assert full["createSite"]["errors"] == [{"code": "LIMIT_REACHED", "field": [], "details": details}]
