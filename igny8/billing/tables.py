"""Prices. (Other rows of billing lie lower, where more domains need them: in `igny8.limits` and `igny8.credits`.)"""

from enum import StrEnum

from sqlalchemy import CheckConstraint, Integer
from sqlalchemy.orm import Mapped, mapped_column

from igny8.credits import OperationType
from igny8.db import Base, one_of


class CreditUnit(StrEnum):
    """What a price is for. A started hundred of words counts as one, and so does a started two hundred."""

    PER_REQUEST = "PER_REQUEST"
    PER_ITEM = "PER_ITEM"
    PER_100_WORDS = "PER_100_WORDS"
    PER_200_WORDS = "PER_200_WORDS"


class CreditPrice(Base):
    """What an operation costs. A global table, made with all operations in it; the application reads it."""

    __tablename__ = "credit_price"
    __table_args__ = (
        one_of("operation_type", OperationType),
        one_of("unit", CreditUnit),
        CheckConstraint("credits >= 0", name="credits"),
    )
    operation_type: Mapped[str] = mapped_column(primary_key=True)
    credits: Mapped[int] = mapped_column(Integer)
    unit: Mapped[str]
