"""The table that a run ends with: what was measured, beside what, and whether that is enough."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One line. `ok` None: the yardstick could not run, which counts as short."""

    measure: str
    value: str
    yardstick: str
    target: str
    ok: bool | None

    @property
    def short(self) -> bool:
        return not self.ok


def ratio(measure: str, ours: float, theirs: float | None, unit: str, *, most: float = 0, least: float = 0) -> Row:
    """A line that compares ours with another's: ours / theirs at most `most`, or theirs / ours at least `least`.

    For throughput call it with the figures per second and `least`: ours / theirs is compared then.
    """
    per_second = unit == "/s"
    target = f"<= {most:g} x" if most else f">= {least:g} x"
    if theirs is None:
        return Row(measure, _shown(ours, unit), "could not run", target, None)
    found = ours / theirs if most or per_second else theirs / ours
    ok = found <= most if most else found >= least
    return Row(measure, f"{_shown(ours, unit)} = {found:.2f} x", _shown(theirs, unit), target, ok)


def at_most(measure: str, value: float, most: float, unit: str, detail: str = "") -> Row:
    return Row(measure, _shown(value, unit), detail, f"<= {_shown(most, unit)}", value <= most)


def at_least(measure: str, value: float, least: float, unit: str, detail: str = "") -> Row:
    return Row(measure, _shown(value, unit), detail, f">= {_shown(least, unit)}", value >= least)


def show(rows: Iterable[Row], echo: Callable[[str], None]) -> int:
    """Print the table; the exit code."""
    table = Table("measure", "value", "yardstick", "target", "", title="IGNY8 benchmarks")
    short = 0
    for row in rows:
        short += row.short
        table.add_row(row.measure, row.value, row.yardstick, row.target, "SHORT" if row.short else "ok")
    Console(width=140).print(table)
    echo(f"{short} short." if short else "All ok.")
    return 1 if short else 0


def _shown(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".replace(" /s", "/s")
