"""`make bench`: everything the house promises in numbers, beside its yardsticks, in one run and one table."""

import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FrameType
from typing import Final

import click

from benchmarks import articles, calls, clustering, crashes, credits, imports, jobs, keyword_lists, reads, streams
from benchmarks.rows import Row, show
from benchmarks.stack import Stack, api, served, stack


@dataclass(frozen=True)
class Much:
    """How much is measured."""

    only: str
    rounds: int
    seconds: float
    lists: int
    ledger: int
    requests: int
    samples: int


def _lists(running: Stack, much: Much) -> Iterable[Row]:
    with served("lists", api(running), running.environment, running.folder) as server:
        yield from keyword_lists.rows(running, server, times=much.lists)


PARTS: Final[dict[str, Callable[[Stack, Much], Iterable[Row]]]] = {
    "reads": lambda running, much: _reads(running, much, names=much.only.split(",")),
    "lists": _lists,
    "credits": lambda running, much: credits.rows(running, rounds=much.ledger, seconds=4),
    "jobs": lambda running, much: jobs.rows(running, samples=much.samples, rounds=much.rounds),
    "clustering": lambda _, __: clustering.rows(),
    "crashes": lambda running, much: crashes.rows(running, rounds=3),
    "calls": lambda running, much: calls.rows(running),
    "articles": lambda running, _: articles.rows(running),
    "imports": lambda running, _: imports.rows(running),
    "streams": lambda running, much: streams.rows(running, rounds=3),
}


def _reads(running: Stack, much: Much, *, names: list[str]) -> Iterable[Row]:
    with reads.contenders(running) as found:
        reads.check(found)
        reads.measure(found, running, names, rounds=much.rounds, seconds=much.seconds)
        yield from reads.rows(found, names)
        yield from reads.walls(running, rounds=much.rounds)
        if much.requests:
            yield from reads.memory(found["igny8"], running.folder, requests=much.requests)


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--only", default="tiny,small,large", help="Queries to measure, comma separated.")
@click.option("--rounds", default=7, show_default=True, help="Rounds that count; medians are taken over them.")
@click.option("--seconds", default=2.0, show_default=True, help="Length of each load with eight connections.")
@click.option("--lists", default=60, show_default=True, help="Requests for each keyword list.")
@click.option("--ledger", default=3, show_default=True, help="Rounds of holds and settlements.")
@click.option("--requests", default=100_000, show_default=True, help="Requests of the memory test; 0 leaves it out.")
@click.option("--samples", default=150, show_default=True, help="Jobs whose beginning is timed.")
def main(parts: tuple[str, ...], **much: object) -> None:
    """Measure these PARTS, or all of them, print the table, and exit with 1 when a line of it is short."""
    signal.signal(signal.SIGTERM, _end)
    table: list[Row] = []
    click.echo("Loading the data set (20 accounts, 180,000 keywords) ...")
    with stack() as running:
        for part in parts or PARTS:
            click.echo(f"Measuring {part} ...")
            table += PARTS[part](running, Much(**much))
    sys.exit(show(table, click.echo))


def _end(number: int, frame: FrameType | None) -> None:
    """Ended by a signal, the run still takes its servers and folders with it."""
    sys.exit(128 + number)


main()
