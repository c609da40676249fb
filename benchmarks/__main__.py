"""`make bench`: everything the house promises in numbers, beside its yardsticks, in one run and one table."""

import sys

import click

from benchmarks import credits, keyword_lists, reads
from benchmarks.rows import Row, show
from benchmarks.stack import stack


@click.command()
@click.option("--only", default="tiny,small,large", help="Queries to measure, comma separated.")
@click.option("--rounds", default=7, show_default=True, help="Rounds that count; medians are taken over them.")
@click.option("--seconds", default=2.0, show_default=True, help="Length of each load with eight connections.")
@click.option("--lists", default=60, show_default=True, help="Requests for each keyword list; 0 leaves them out.")
@click.option("--ledger", default=3, show_default=True, help="Rounds of holds and settlements; 0 leaves them out.")
@click.option("--requests", default=100_000, show_default=True, help="Requests of the memory test; 0 leaves it out.")
def main(only: str, rounds: int, seconds: float, lists: int, ledger: int, requests: int) -> None:
    """Measure, print the table, and exit with 1 when a line of it is short."""
    names = only.split(",")
    table: list[Row] = []
    click.echo("Loading the data set (20 accounts, 180,000 keywords) ...")
    with stack() as running, reads.contenders(running) as found:
        reads.check(found)
        reads.measure(found, running, names, rounds=rounds, seconds=seconds)
        table += reads.rows(found, names)
        table += reads.walls(running, rounds=rounds)
        if lists:
            table += keyword_lists.rows(running, found["igny8"].server, times=lists)
        if ledger:
            table += credits.rows(running, rounds=ledger, seconds=4)
        if requests:
            table += reads.memory(found["igny8"], running.folder, requests=requests)
    sys.exit(show(table, click.echo))


main()
