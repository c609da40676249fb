"""The migrated database is what the declared rows would make, to the last default, check and index."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine

from igny8 import migration
from igny8.tables import metadata
from tests.database.bare import Bare

#: Every column, constraint and index in PostgreSQL's own words; policies, grants and triggers are not declared rows.
_SHAPE = """
    SELECT 'column', c.relname, a.attname, format_type(atttypid, atttypmod), attnotnull::text, attgenerated::text,
           pg_get_expr(adbin, adrelid), collname
    FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    LEFT JOIN pg_collation co ON co.oid = attcollation
    WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped AND relnamespace = 'public'::regnamespace
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    UNION ALL SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid),
           '', '', '', ''
    FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = 'public'::regnamespace
"""

Shape = set[tuple[str, ...]]


@pytest.fixture
def migrated(bare: Bare) -> Bare:
    bare.server.execute(f"ALTER DATABASE {bare.name} OWNER TO {bare.name}_owner")
    bare.server.execute(f"ALTER ROLE {bare.name}_owner CREATEROLE")
    migration.make_roles(bare.settings())
    migration.migrate(bare.settings())
    return bare


@pytest.fixture
def declared(bare: Bare) -> Iterator[str]:
    """A database that was made without the migrations."""
    name = f"{bare.name}_declared"
    bare.server.execute(f"CREATE DATABASE {name}")
    yield bare.url(f"{bare.name}_owner", database=name).get_secret_value()
    bare.server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _shape(url: str) -> Shape:
    with psycopg.connect(url) as sql:
        rows = sql.execute(_SHAPE).fetchall()
    return {row for row in rows if row[1] != "alembic_version"}


def test_migrations_make_what_is_declared(migrated: Bare, declared: str) -> None:
    owner = migrated.url(f"{migrated.name}_owner").get_secret_value()
    migrated.server.execute(f"ALTER DATABASE {migrated.name}_declared OWNER TO {migrated.name}_owner")
    engine = create_engine("postgresql+psycopg" + declared[declared.index(":") :])
    metadata.create_all(engine)
    engine.dispose()
    assert _shape(owner) ^ _shape(declared) == set()


def test_going_down_leaves_nothing_and_going_up_again_makes_all_of_it(migrated: Bare) -> None:
    owner = migrated.url(f"{migrated.name}_owner").get_secret_value()
    before = _shape(owner)
    with migration.configured(migrated.settings()) as (config, _):
        command.downgrade(config, "base")
    with psycopg.connect(owner) as sql:
        left = sql.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace").fetchall()
    assert (migrated.tables(), left) == ({"alembic_version"}, [])
    migration.migrate(migrated.settings())
    assert _shape(owner) == before
