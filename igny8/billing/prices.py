"""What operations cost in credits: the rows of the price table, or what this server's settings say instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from igny8.billing.tables import CreditPrice, CreditUnit
from igny8.credits import OperationType
from igny8.settings import Settings, SettingsError

_COUNTED: Final = {
    CreditUnit.PER_REQUEST: 1,
    CreditUnit.PER_ITEM: 1,
    CreditUnit.PER_100_WORDS: 100,
    CreditUnit.PER_200_WORDS: 200,
}


@dataclass(frozen=True, slots=True)
class Price:
    """So many credits for each unit."""

    credits: int
    unit: CreditUnit

    def of(self, quantity: int) -> int:
        """The credits for so many requests or items, or for so many words; a started unit counts as a whole one."""
        return self.credits * -(-quantity // _COUNTED[self.unit])


Prices = Mapping[OperationType, Price]


def overridden(settings: Settings) -> dict[OperationType, int]:
    """The prices that this server's settings name. Raises SettingsError for operations that there are not."""
    unknown = sorted(settings.credit_prices.keys() - OperationType.__members__.keys())
    if unknown:
        raise SettingsError(
            [f"IGNY8_CREDIT_PRICES: {', '.join(unknown)} is no operation; they are {', '.join(OperationType)}"]
        )
    return {OperationType(name): credits for name, credits in settings.credit_prices.items()}


async def current(session: AsyncSession, settings: Settings) -> Prices:
    """The price of every operation."""
    own = overridden(settings)
    rows = {OperationType(row.operation_type): row for row in (await session.execute(select(CreditPrice))).scalars()}
    return {
        operation: Price(own.get(operation, rows[operation].credits), CreditUnit(rows[operation].unit))
        for operation in OperationType
    }
