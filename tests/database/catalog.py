"""Looks at a migrated database and names everything that would open one of the walls; a sentence each."""

import re
from collections.abc import Iterator
from itertools import chain, takewhile
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from igny8.tenancy import GLOBAL_TABLES
from tests.database import review

Sql = psycopg.Connection[Any]

#: Login roles by their names in the tests' databases.
ROLES = {f"igny8_{role}": role for role in ("app", "member", "signin", "system")}

_SETTING = "NULLIF(current_setting('app.{}'::text, true), ''::text)"
#: PostgreSQL's own words for what a policy compares with -> ours.
_WORDS = {
    f'( SELECT ({_SETTING.format("account_id")})::uuid AS "nullif")': ":account",
    f'( SELECT ({_SETTING.format("user_id")})::uuid AS "nullif")': ":user",
    f'ANY ((( SELECT {_SETTING.format("site_ids")} AS "nullif"))::uuid[])': ":sites",
}


def faults(sql: Sql) -> list[str]:
    """All that is wrong; empty when the walls stand."""
    return sorted(
        chain(
            policy_faults(sql),
            _wrong_privileges(sql),
            _wrong_roles(sql),
            _indexes_not_led_by_account(sql),
            _loose_references(sql),
            _references_without_index(sql),
            _unknown_places(sql),
            _unwanted_kinds(sql),
        )
    )


def policy_faults(sql: Sql) -> list[str]:
    """What is wrong with row-level security alone."""
    return [*_open_tables(sql), *_wrong_policies(sql), *_missing_policies(sql)]


def tenant_tables(sql: Sql) -> list[str]:
    found = _rows(
        sql, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    return sorted(row.relname for row in found if row.relname not in {*GLOBAL_TABLES, "alembic_version"})


def account_column(table: str) -> str:
    return "id" if table == "account" else "account_id"


def _rows(sql: Sql, query: str, *values: object) -> list[Any]:
    return sql.cursor(row_factory=namedtuple_row).execute(query, values).fetchall()


def _open_tables(sql: Sql) -> Iterator[str]:
    for row in _rows(
        sql,
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS walled FROM pg_class"
        " WHERE relname = ANY (%s) AND relnamespace = 'public'::regnamespace",
        tenant_tables(sql),
    ):
        if not row.walled:
            yield f"{row.relname}: row-level security is not forced"


def _policies(sql: Sql) -> list[Any]:
    return _rows(
        sql,
        "SELECT relname AS table, polname AS name, polcmd = '*' AND polpermissive AS plain,"
        " CASE WHEN 0 = ANY (polroles) THEN '{PUBLIC}' ELSE polroles::regrole[]::text[] END AS roles,"
        " pg_get_expr(polqual, polrelid) AS rows, pg_get_expr(polwithcheck, polrelid) AS writes"
        " FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid",
    )


def _wrong_policies(sql: Sql) -> Iterator[str]:
    for policy in _policies(sql):
        named = f"{policy.table}: the policy {policy.name}"
        said = (_plain(policy.rows), _plain(policy.writes))
        if any(re.search(r"\bOR\b", condition) for condition in said):
            yield f"{named} has an OR"
        if not policy.plain:
            yield f"{named} is not one for all commands"
        for role in policy.roles:
            if role not in {*ROLES, "igny8_owner"}:
                yield f"{named} lets {role} in"
            elif said != _wanted(policy.table, ROLES.get(role)):
                yield f"{named} does not say what it must: {' / '.join(said)}"


def _plain(condition: str | None) -> str:
    said = " ".join((condition or "").split())
    for theirs, ours in _WORDS.items():
        said = said.replace(theirs, ours)
    return said


def _wanted(table: str, role: str | None) -> tuple[str, str]:
    """What the policy of a role (None: the tables' owner) says of rows that are there, and of rows written."""
    account = f"({account_column(table)} = :account)"
    match role:
        case "app":
            return account, account
        case "member":
            met = _both(account, review.MEMBER_ROWS.get(table))
            return met, _both(met, review.MEMBER_WRITES.get(table))
        case "signin":
            return "true", "false"
        case "system":
            return "true", "true"
    return f"({account_column(table)} = COALESCE(:account, {account_column(table)}))", ""


def _both(condition: str, more: str | None) -> str:
    return f"({condition} AND {more})" if more else condition


def _missing_policies(sql: Sql) -> Iterator[str]:
    """Without its policy a role sees nothing; with two, the wider one counts."""
    present = [(policy.table, role) for policy in _policies(sql) for role in policy.roles]
    for table in tenant_tables(sql):
        allowed = {"owner", *review.PRIVILEGES.get(table, {})}
        for role, short in {**ROLES, "igny8_owner": "owner"}.items():
            wanted = int(short in allowed)
            if present.count((table, role)) != wanted:
                yield f"{table}: {present.count((table, role))} policies for {short}, not {wanted}"


def _wrong_privileges(sql: Sql) -> Iterator[str]:
    granted = _granted(sql)
    tables = {*tenant_tables(sql), *GLOBAL_TABLES, "alembic_version", *(table for table, _ in granted)}
    for table in sorted(tables):
        if table not in review.PRIVILEGES:
            yield f"{table}: is not in the review document"
        for role in {*ROLES.values(), *(role for name, role in granted if name == table)}:
            wanted = _parsed(review.PRIVILEGES.get(table, {}).get(role, ""))
            given = granted.get((table, role), set())
            if given != wanted:
                yield f"{table}: {role} has {_listed(given - wanted)} too much, {_listed(wanted - given)} too little"
        if table in GLOBAL_TABLES:
            for role in ("app", "member", "signin"):
                if granted.get((table, role), set()) - {"SELECT"}:
                    yield f"{table}: {role} may write a global table"


def _granted(sql: Sql) -> dict[tuple[str, str], set[str]]:
    """(relation, role or PUBLIC) -> `SELECT`, or `SELECT (column)` for each column."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in _rows(
        sql,
        "SELECT relname, coalesce(rolname, 'PUBLIC') AS role, privilege_type AS kind, column_name FROM ("
        " SELECT relname, relowner, (aclexplode(relacl)).*, NULL AS column_name FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace"
        " UNION ALL SELECT relname, relowner, (aclexplode(attacl)).*, attname FROM pg_class"
        " JOIN pg_attribute ON attrelid = pg_class.oid WHERE relnamespace = 'public'::regnamespace"
        ") granted LEFT JOIN pg_roles r ON r.oid = grantee WHERE grantee <> relowner",
    ):
        column = f" ({row.column_name})" if row.column_name else ""
        found.setdefault((row.relname, ROLES.get(row.role, row.role)), set()).add(row.kind + column)
    return found


def _parsed(privileges: str) -> set[str]:
    parts = re.findall(r"(\w+)(?: \(([^)]*)\))?", privileges)
    return {f"{kind} ({column})" if column else kind for kind, columns in parts for column in columns.split(", ")}


def _listed(privileges: set[str]) -> str:
    return ", ".join(sorted(privileges)) or "nothing"


def _wrong_roles(sql: Sql) -> Iterator[str]:
    for row in _rows(
        sql,
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,"
        " EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS is_member,"
        " EXISTS (SELECT FROM pg_shdepend WHERE refobjid = r.oid AND deptype = 'o' AND"
        "         dbid = (SELECT oid FROM pg_database WHERE datname = current_database())) AS owns,"
        " has_schema_privilege(oid, 'public', 'CREATE') AS creates"
        " FROM pg_roles r WHERE rolname = ANY (%s)",
        list(ROLES),
    ):
        for right in row._fields[1:]:
            if getattr(row, right):
                yield f"{ROLES[row.rolname]}: {right}"


def _indexes_not_led_by_account(sql: Sql) -> Iterator[str]:
    for row in _rows(
        sql,
        "SELECT t.relname AS table, i.relname AS index, a.attname AS first FROM pg_index"
        " JOIN pg_class t ON t.oid = indrelid JOIN pg_class i ON i.oid = indexrelid"
        " LEFT JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = indkey[0]"
        " WHERE t.relname = ANY (%s) AND t.relnamespace = 'public'::regnamespace",
        tenant_tables(sql),
    ):
        if row.first != account_column(row.table) and row.index not in review.NOT_LED_BY_ACCOUNT:
            yield f"{row.table}: the index {row.index} does not lead with the account"


def _references(sql: Sql) -> list[Any]:
    return _rows(
        sql,
        "SELECT conname AS name, conrelid::regclass::text AS table, confrelid::regclass::text AS target,"
        " confdeltype IN ('n', 'd') AS sets_null,"
        " ARRAY (SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k (n, at) JOIN pg_attribute"
        "        ON attrelid = conrelid AND attnum = n ORDER BY at) AS columns,"
        " ARRAY (SELECT attname::text FROM unnest(confkey) WITH ORDINALITY k (n, at) JOIN pg_attribute"
        "        ON attrelid = confrelid AND attnum = n ORDER BY at) AS targets,"
        " ARRAY (SELECT attname::text FROM unnest(confdelsetcols) k (n) JOIN pg_attribute"
        "        ON attrelid = conrelid AND attnum = n) AS nulled,"
        " ARRAY (SELECT relname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
        "        WHERE attname = 'site_id' AND attrelid IN (conrelid, confrelid)) AS sited"
        " FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace",
    )


def _loose_references(sql: Sql) -> Iterator[str]:
    """References by which a row could point into another account or site, or lose its own."""
    tenants = tenant_tables(sql)
    for reference in _references(sql):
        named = f"{reference.table}: the reference {reference.name}"
        pairs = set(zip(reference.columns, reference.targets, strict=True))
        if reference.target in tenants and ("account_id", account_column(reference.target)) not in pairs:
            yield f"{named} can point into another account"
        inside_site = (
            len(set(reference.sited)) == len({reference.table, reference.target}) and reference.target != "site"
        )
        if inside_site and ("site_id", "site_id") not in pairs and reference.name not in review.WITHOUT_SITE:
            yield f"{named} can point into another site"
        loses = set(reference.nulled or reference.columns) & {"account_id", "site_id"}
        if reference.sets_null and loses:
            yield f"{named} would take a row out of its account"


def _references_without_index(sql: Sql) -> Iterator[str]:
    """Rows of global tables are not deleted under load: an index for them would not lead with the account."""
    indexes = _rows(
        sql,
        "SELECT indrelid::regclass::text AS table, ARRAY (SELECT attname::text FROM unnest(indkey::int2[])"
        " WITH ORDINALITY k (n, at) LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = n ORDER BY at)"
        " AS columns FROM pg_index WHERE indpred IS NULL",
    )
    for reference in _references(sql):
        if reference.table in tenant_tables(sql) and reference.target in GLOBAL_TABLES:
            continue
        helped = any(_finds(index.columns, reference.columns) for index in indexes if index.table == reference.table)
        if not helped:
            yield f"{reference.table}: the reference {reference.name} has no index"


def _unknown_places(sql: Sql) -> Iterator[str]:
    """Tables whose rows PostgreSQL would take to be spread over accounts, sites and sectors independently."""
    for row in _rows(
        sql,
        "SELECT attrelid::regclass::text AS table FROM pg_attribute WHERE attname = 'sector_id' AND attnotnull"
        " AND NOT EXISTS ("
        " SELECT FROM pg_statistic_ext WHERE stxrelid = attrelid AND 'f' = ANY (stxkind) AND attnum = ANY (stxkeys))"
        " AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)",
    ):
        yield f"{row.table}: the planner is not told that a sector implies its site and account"


def _finds(index: list[str], columns: list[str]) -> bool:
    """Whether the index leads to the rows that a reference's last column points from."""
    leading = takewhile(lambda column: column in columns, index)
    return columns[-1] in leading


def _unwanted_kinds(sql: Sql) -> Iterator[str]:
    for row in _rows(
        sql, "SELECT typname FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace"
    ):
        yield f"{row.typname}: an enum type; use text and a CHECK"
    for row in _rows(
        sql,
        "SELECT relname, relkind, coalesce('security_invoker=true' = ANY (reloptions), false) AS by_caller"
        " FROM pg_class WHERE relkind IN ('v', 'm', 'f') AND relnamespace = 'public'::regnamespace",
    ):
        if row.relkind != b"v" and row.relkind != "v":
            yield f"{row.relname}: its rows know no policies"
        elif not row.by_caller:
            yield f"{row.relname}: a view without security_invoker"
    for row in _rows(sql, "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"):
        yield f"{row.proname}: a SECURITY DEFINER function"
