"""The second wall: row-level security and grants, made by one function that every tenant table's migration calls.

Policies are by role and never by OR: with an OR PostgreSQL cannot use the account-led indexes. Each setting is
read in a sub-select, so that it is read once a statement and not once a row.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from alembic import context, op

from igny8.login_roles import quoted
from igny8.settings import DatabaseSettings

#: Tables that belong to no account: the application only reads them. The catalog test knows this list.
GLOBAL_TABLES: Final = frozenset({"plan", "industry", "industry_sector", "seed_keyword", "credit_price"})

ACCOUNT: Final = "(SELECT nullif(current_setting('app.account_id', true), '')::uuid)"
USER: Final = "(SELECT nullif(current_setting('app.user_id', true), '')::uuid)"
SITES: Final = "((SELECT nullif(current_setting('app.site_ids', true), ''))::uuid[])"

ALL: Final = "SELECT, INSERT, UPDATE, DELETE"


@dataclass(frozen=True, slots=True)
class RoleNames:
    """What the four login roles are called in this database, and their passwords."""

    app: str
    member: str
    signin: str
    system: str

    @classmethod
    def of(cls, settings: DatabaseSettings) -> "RoleNames":
        urls = (
            settings.database_app_url,
            settings.database_member_url,
            settings.database_signin_url,
            settings.database_system_url,
        )
        return cls(*(unquote(urlsplit(url.get_secret_value()).username or "") for url in urls))


def role_names() -> RoleNames:
    """The roles that the running migration grants to."""
    names: RoleNames = context.config.attributes["roles"]
    return names


def protect(
    table: str,
    *,
    account: str = "account_id",
    app: str | None = ALL,
    system: str = ALL,
    member: str | None = None,
    member_site: str | None = None,
    member_user: str | None = None,
    member_check: str | None = None,
    signin: str | None = None,
) -> None:
    """Force row-level security on a tenant table and grant each role what it may do there.

    `account` names the column that holds the account. `app`, `member`, `signin` and `system` are privileges as in
    GRANT, columns included; None grants nothing. Site-bound users see the rows whose `member_site` is a granted
    site and whose `member_user` is themselves; `member_check` adds a condition to what they write.
    """
    names = role_names()
    name = quoted(table)
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    own = f"{quoted(account)} = {ACCOUNT}"
    seen = own
    if member_site:
        seen += f" AND {quoted(member_site)} = ANY {SITES}"
    if member_user:
        seen += f" AND {quoted(member_user)} = {USER}"
    _policy(table, names.app, app, own, own)
    _policy(table, names.member, member, seen, f"{seen} AND {member_check}" if member_check else seen)
    _policy(table, names.signin, signin, "true", "false")
    _policy(table, names.system, system, "true", "true")
    # Foreign keys delete as the owner, and since PostgreSQL 18 so run the triggers of what they delete: the owner has
    # to see what whoever deletes may see. Without an account (an operator's deletion) that is all.
    near = f"{quoted(account)} = coalesce({ACCOUNT}, {quoted(account)})"
    op.execute(f"CREATE POLICY {quoted(f'{table}_owner')} ON {name} TO CURRENT_USER USING ({near})")


def _policy(table: str, role: str, privileges: str | None, using: str, check: str) -> None:
    if privileges is None:
        return
    name, grantee = quoted(table), quoted(role)
    op.execute(
        f"CREATE POLICY {quoted(f'{table}_{role}')} ON {name} TO {grantee} USING ({using}) WITH CHECK ({check})"
    )
    op.execute(f"GRANT {privileges} ON {name} TO {grantee}")


def publish(table: str) -> None:
    """Let every role read a global table, and operators change it."""
    names = role_names()
    readers = ", ".join(quoted(name) for name in (names.app, names.member, names.signin))
    op.execute(f"GRANT SELECT ON {quoted(table)} TO {readers}")
    op.execute(f"GRANT {ALL} ON {quoted(table)} TO {quoted(names.system)}")


def count_rows(table: str, limit: str) -> None:
    """Keep `limit_usage` equal to the number of an account's rows in this table, in the writing transaction.

    The triggers run as who writes, and for rows that go by a cascade as the owner of the tables.
    """
    for event, rows in (("INSERT", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER {table}_counted_{event.lower()} AFTER {event} ON {quoted(table)} "
            f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_usage('{limit}')"
        )
