"""The catalog of the migrated database: both walls stand in every table, and the check would see if they did not."""

from collections.abc import Iterator

import pytest

from tests.database import catalog
from tests.database.conftest import Walled
from tests.database.review import PRIVILEGES


@pytest.fixture
def sql(walled: Walled) -> Iterator[catalog.Sql]:
    """A superuser's transaction that is rolled back."""
    connection = walled.as_superuser()
    yield connection
    connection.close()


def test_nothing_in_the_catalog_opens_a_wall(sql: catalog.Sql) -> None:
    assert catalog.faults(sql) == []


def test_the_review_document_names_tables_that_exist(sql: catalog.Sql) -> None:
    names = {
        name for (name,) in sql.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    }
    assert set(PRIVILEGES) == names


_ACCOUNT = "account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid)"

BREACHES = {
    "ALTER TABLE site DISABLE ROW LEVEL SECURITY": "site: row-level security is not forced",
    "ALTER TABLE site NO FORCE ROW LEVEL SECURITY": "site: row-level security is not forced",
    f"ALTER POLICY site_igny8_app ON site USING ({_ACCOUNT} OR status = 'ACTIVE')": (
        "site: the policy site_igny8_app has an OR"
    ),
    "ALTER POLICY site_igny8_app ON site WITH CHECK (true)": (
        "site: the policy site_igny8_app does not say what it must: (account_id = :account) / true"
    ),
    "ALTER POLICY site_igny8_app ON site USING (account_id::text = current_setting('app.account_id'))": (
        "site: the policy site_igny8_app does not say what it must: ((account_id)::text ="
        " current_setting('app.account_id'::text)) / (account_id = :account)"
    ),
    f"ALTER POLICY sector_igny8_member ON sector USING ({_ACCOUNT})": (
        "sector: the policy sector_igny8_member does not say what it must: (account_id = :account) /"
        " ((account_id = :account) AND (site_id = :sites))"
    ),
    "ALTER POLICY site_igny8_app ON site TO PUBLIC": "site: the policy site_igny8_app lets PUBLIC in",
    "CREATE POLICY wide ON site TO igny8_member USING (true)": "site: 2 policies for member, not 1",
    "ALTER POLICY site_owner ON site USING (true)": "site: the policy site_owner does not say what it must: true / ",
    "CREATE POLICY reads ON site FOR SELECT TO igny8_app USING (true)": (
        "site: the policy reads is not one for all commands"
    ),
    "CREATE UNIQUE INDEX plain ON site (id)": "site: the index plain does not lead with the account",
    "ALTER TABLE sector ADD UNIQUE (id)": "sector: the index sector_id_key does not lead with the account",
    "CREATE INDEX folded ON site (lower(name))": "site: the index folded does not lead with the account",
    "ALTER TABLE mail ADD only_id uuid; CREATE UNIQUE INDEX by_id ON app_user (id);"
    " ALTER TABLE mail ADD CONSTRAINT across FOREIGN KEY (only_id) REFERENCES app_user (id)": (
        "mail: the reference across can point into another account"
    ),
    "ALTER TABLE sector ADD parent_id uuid, ADD CONSTRAINT parent FOREIGN KEY (account_id, parent_id)"
    " REFERENCES sector (account_id, id)": "sector: the reference parent can point into another site",
    "ALTER TABLE sector ADD parent_id uuid, ADD CONSTRAINT parent FOREIGN KEY (account_id, site_id, parent_id)"
    " REFERENCES sector (account_id, site_id, id) ON DELETE SET NULL": (
        "sector: the reference parent would take a row out of its account"
    ),
    "ALTER TABLE session ADD by_id uuid, ADD CONSTRAINT unaided FOREIGN KEY (account_id, by_id)"
    " REFERENCES app_user": ("session: the reference unaided has no index"),
    "CREATE TYPE mood AS ENUM ('GOOD')": "mood: an enum type; use text and a CHECK",
    "CREATE VIEW sites AS SELECT * FROM site": "sites: a view without security_invoker",
    "CREATE MATERIALIZED VIEW kept AS SELECT * FROM site": "kept: its rows know no policies",
    "CREATE FUNCTION borrowed() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'": (
        "borrowed: a SECURITY DEFINER function"
    ),
    "GRANT TRUNCATE ON site TO igny8_app": "site: app has TRUNCATE too much, nothing too little",
    "GRANT SELECT (wp_app_password) ON site TO igny8_member": (
        "site: member has SELECT (wp_app_password) too much, nothing too little"
    ),
    "GRANT UPDATE ON credit_entry TO igny8_app": "credit_entry: app has UPDATE too much, nothing too little",
    "GRANT SELECT ON site TO PUBLIC": "site: PUBLIC has SELECT too much, nothing too little",
    "REVOKE SELECT ON site FROM igny8_app": "site: app has nothing too much, SELECT too little",
    "GRANT INSERT ON plan TO igny8_app": "plan: app may write a global table",
    "CREATE TABLE fresh (account_id uuid PRIMARY KEY)": "fresh: is not in the review document",
    "CREATE VIEW seen WITH (security_invoker = true) AS SELECT 1 AS one; GRANT SELECT ON seen TO igny8_app": (
        "seen: is not in the review document"
    ),
    "DROP STATISTICS keyword_place": "keyword: the planner is not told that a sector implies its site and account",
    "ALTER TABLE sector OWNER TO igny8_app": "app: owns",
    "ALTER ROLE igny8_app SUPERUSER": "app: rolsuper",
    "ALTER ROLE igny8_member BYPASSRLS": "member: rolbypassrls",
    "GRANT igny8_system TO igny8_app": "app: is_member",
    "GRANT CREATE ON SCHEMA public TO igny8_app": "app: creates",
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_seen(embedded: Walled, breach: str) -> None:
    with embedded.as_superuser() as sql:
        sql.execute(breach)
        assert BREACHES[breach] in catalog.faults(sql)
        sql.rollback()


def test_every_policy_that_is_dropped_is_missed(sql: catalog.Sql) -> None:
    policies = sql.execute("SELECT polname, relname FROM pg_policy JOIN pg_class c ON c.oid = polrelid").fetchall()
    assert len(policies) > 50
    for policy, table in policies:
        sql.execute("SAVEPOINT whole")
        sql.execute(f'DROP POLICY "{policy}" ON "{table}"')
        missed = catalog.policy_faults(sql)
        assert len(missed) == 1, (policy, missed)
        assert missed[0].startswith(f"{table}: 0 policies")
        sql.execute("ROLLBACK TO whole")
