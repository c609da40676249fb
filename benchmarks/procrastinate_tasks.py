"""The yardstick procrastinate: its worker is `python -m procrastinate --app=benchmarks.procrastinate_tasks.app worker`."""

import os

from procrastinate import App, PsycopgConnector

from benchmarks.stamps import stamp

app = App(connector=PsycopgConnector(conninfo=os.environ["BENCH_PROCRASTINATE_URL"]))


@app.task(name="enter")
async def enter(name: str) -> None:
    stamp(name)


@app.task(name="nothing")
async def nothing() -> None:
    """Ends at once."""
