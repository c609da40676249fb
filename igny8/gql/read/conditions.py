"""Conditions that declarations of many domains use."""

from collections.abc import Callable
from typing import Annotated, Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    cast,
    collate,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from strawberry import ID

from igny8.db import Base
from igny8.gql.read.declarations import Reference, Where
from igny8.gql.read.declare import where


def setting(name: str) -> ColumnElement[Any]:
    """A setting that `app_enter` made for this transaction, read once a statement."""
    text = func.nullif(func.current_setting(f"app.{name}", literal_column("true")), literal_column("''"))
    return select(text).scalar_subquery()


def id_setting(name: str) -> ColumnElement[Any]:
    return cast(setting(name), Uuid())


def select_from(table: type[Base], *columns: Any) -> Select[Any]:
    """A sub-select over one table; everything else that it names is of the rows around it.

    SQLAlchemy would by itself put rows of two levels up into the sub-select's FROM: a wrong answer without an error.
    """
    return select(*columns).select_from(table).correlate_except(table)


def equal(left: Any, right: Any) -> ColumnElement[bool]:
    """`left = right`, for columns whose type is only known when the schema is made."""
    return type_coerce(left == right, Boolean())


def contains(*names: str, folded: bool = False) -> Callable[[Any, Any], ColumnElement[bool]]:
    """The text stands somewhere in one of the columns, whatever its case; `folded` ones are in lower case already.

    Of LIKE, PostgreSQL can tell how much it will find, and so whether to begin with the search or with the order.
    """

    def condition(columns: Any, text: Any) -> ColumnElement[bool]:
        wanted = _pattern(text)
        return or_(*((columns[name] if folded else _folded(columns[name])).like(wanted) for name in names))

    return condition


def search(*names: str, folded: bool = False, description: str) -> Any:
    """The field of a filter input that looks for a text in these columns."""
    return where(contains(*names, folded=folded), replan=True, description=description)


def _folded(column: Any) -> ColumnElement[str]:
    """In small letters, those beyond ASCII too: a column that is sorted by its code points would leave them."""
    return func.lower(collate(column, "default"))


def _pattern(text: Any) -> ColumnElement[str]:
    """The LIKE pattern for the text anywhere; what means something in a pattern is escaped."""
    escaped = func.regexp_replace(
        func.lower(text), literal_column(r"'([\\%_])'"), literal_column(r"'\\\1'"), literal_column("'g'")
    )
    return literal_column("'%'", Text).op("||")(escaped).op("||")(literal_column("'%'", Text))


def through(link: type[Base], here: str, there: str) -> Where:
    """An edge over a table of pairs: rows whose id stands beside this row's in `link`."""
    pairs = link.__table__.c

    def on(row: Any, other: Any) -> ColumnElement[bool]:
        linked = select_from(link, pairs[there]).where(pairs.account_id == row.account_id, pairs[here] == row.id)
        return type_coerce(other.id.in_(linked), Boolean())

    return on


def by_id(prefix: str, column: str) -> Where:
    """An edge to the one row with this id, when its `column` points here; `id` becomes the field's argument."""

    def on(row: Any, other: Any, id: Any) -> ColumnElement[bool]:
        return and_(other[column] == row.id, other.id == id)

    on.__annotations__["id"] = Annotated[ID, Reference(prefix, "id")]
    return on
