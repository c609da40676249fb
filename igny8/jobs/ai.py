"""What jobs need to call providers of AI; made by hand in the worker's composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from igny8.ai.calls import Connection, Provider
from igny8.ai.engine import Engine
from igny8.ai.steps import Spending

#: Which key an account's calls to a provider use. Raises DomainError when there is none.
Connect = Callable[[AsyncSession, UUID, Provider], Awaitable[Connection]]


@dataclass(frozen=True, slots=True)
class Ai:
    """The engine, who pays, and how much may be paid."""

    engine: Engine
    connect: Connect
    spending: Spending
