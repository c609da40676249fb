"""What an account's credits were spent on: sums of the usage log."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, FromClause, ScalarSelect, and_, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from igny8.auth.tables import Site
from igny8.credits import CreditUsage as Row
from igny8.errors import BadRequest

LONGEST: Final = timedelta(days=366)


def check(from_: datetime, to: datetime) -> None:
    """Raise BadRequest for a time that ends before it begins or is longer than a year."""
    length = _aware(to) - _aware(from_)
    if not timedelta(0) < length <= LONGEST:
        raise BadRequest(f"'to' must be later than 'from', by at most {LONGEST.days} days.")


def summary(account: ColumnElement[Any], from_: ColumnElement[Any], to: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Sums of an account's usage from `from_` on, up to but without `to`, as one document. Days are of UTC."""
    day = cast(Row.created_at, Date).label("day")
    spent = (
        select(
            Row.account_id,
            Row.operation_type,
            day,
            Row.site_id,
            func.sum(Row.credits_used).label("credits"),
            func.coalesce(func.sum(Row.cost_usd), literal_column("0")).label("cost"),
            func.count().label("operations"),
            func.bool_or(Row.cost_usd.is_(None)).label("incomplete"),
        )
        .where(Row.account_id == account, Row.created_at >= from_, Row.created_at < to)
        .group_by(Row.account_id, Row.operation_type, day, Row.site_id)
        .cte()
    )
    columns = spent.c
    site = Site.__table__.alias()
    still_there = spent.join(site, and_(site.c.account_id == columns.account_id, site.c.id == columns.site_id))
    document = func.jsonb_build_object(
        literal_column("'from'"), from_,
        literal_column("'to'"), to,
        literal_column("'creditsUsed'"), func.coalesce(func.sum(columns.credits), literal_column("0")),
        literal_column("'costUsd'"), func.coalesce(func.sum(columns.cost), literal_column("0")),
        literal_column("'costIncomplete'"), func.coalesce(func.bool_or(columns.incomplete), literal_column("false")),
        literal_column("'byOperation'"), _by(
            spent, columns, "operationType", columns.operation_type, count=func.sum(columns.operations)
        ),
        literal_column("'byDay'"), _by(spent, columns, "day", columns.day),
        literal_column("'bySite'"), _by(still_there, columns, "siteId", columns.site_id),
    )  # fmt: skip
    return select(document).select_from(spent).scalar_subquery()


def _by(
    source: FromClause, columns: Any, name: str, key: ColumnElement[Any], **more: ColumnElement[Any]
) -> ScalarSelect[Any]:
    """The sums for each value of `key`, in its order."""
    pairs = [
        literal_column(f"'{name}'"), key,
        literal_column("'creditsUsed'"), func.sum(columns.credits),
        literal_column("'costUsd'"), func.sum(columns.cost),
        *(part for called, value in more.items() for part in (literal_column(f"'{called}'"), value)),
    ]  # fmt: skip
    sums = select(key.label("key"), func.jsonb_build_object(*pairs).label("sums"))
    sums_by_key = sums.select_from(source).group_by(key).correlate(None).subquery()
    listed = func.jsonb_agg(aggregate_order_by(sums_by_key.c.sums, sums_by_key.c.key))
    made = select(func.coalesce(listed, literal_column("'[]'::jsonb"))).select_from(sums_by_key)
    return made.correlate(None).scalar_subquery()


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
