"""Scalars and filter inputs that every domain uses."""

from datetime import datetime
from typing import NewType

import strawberry
from strawberry import UNSET
from strawberry.types.scalar import ScalarDefinition

BigInt = NewType("BigInt", int)

#: Handed to the schema: how `BigInt` is called and described there.
SCALARS: dict[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt",
        description="A sum that may pass 32 bits; a JSON number up to 2^53.",
        serialize=int,
        parse_value=int,
    )
}


@strawberry.input(description="Bounds are inclusive.")
class IntFilter:
    eq: int | None = UNSET
    gte: int | None = UNSET
    lte: int | None = UNSET
    in_: list[int] | None = strawberry.field(default=UNSET, name="in")
    is_null: bool | None = UNSET


@strawberry.input(description="Bounds are inclusive.")
class FloatFilter:
    gte: float | None = UNSET
    lte: float | None = UNSET
    is_null: bool | None = UNSET


@strawberry.input(description="From `gte` on, up to but without `lt`.")
class DateTimeFilter:
    gte: datetime | None = UNSET
    lt: datetime | None = UNSET
    is_null: bool | None = UNSET
