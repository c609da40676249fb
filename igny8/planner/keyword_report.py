"""What became of keywords that were given, by hand or in a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: Rejections that are kept; all of them are counted.
MOST_KEPT: Final = 1_000
_LONGEST_VALUE: Final = 100


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a row was not taken. `row` counts from 1; without a column the row as a whole is at fault."""

    row: int
    reason: str
    column: str | None = None
    value: str | None = None


@dataclass(slots=True)
class Report:
    """Counts of rows, and the first rejections. Rows that repeat a keyword count as unchanged."""

    columns: Mapping[str, str]
    rows: int = 0
    created: int = 0
    updated: int = 0
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def unchanged(self) -> int:
        return self.rows - self.created - self.updated - self.rejected

    def reject(self, rejection: Rejection) -> None:
        self.rejected += 1
        if len(self.rejections) < MOST_KEPT:
            self.rejections.append(rejection)

    def document(self) -> dict[str, Any]:
        """As the schema shows it."""
        rejections = [
            {"row": one.row, "column": one.column, "value": _shown(one.value), "reason": one.reason}
            for one in self.rejections
        ]
        return {
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "rejections": rejections,
            "columns": dict(self.columns),
        }


def _shown(value: str | None) -> str | None:
    return value if value is None or len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}…"
