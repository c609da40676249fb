"""From a keyword export to finished articles with images: each step a job that is followed live."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from igny8.devstack.client import Client, Unexpected
from igny8.devstack.demo import page
from igny8.devstack.demo.operations import OPERATIONS

ARTICLES: Final = 5
_CLUSTERS: Final = 4
_EXPORT: Final = Path(__file__).parents[3] / "examples" / "keywords.csv"


@dataclass
class Stage:
    """One step, as the report shows it."""

    name: str
    made: str = ""
    held: int = 0
    used: int = 0
    seconds: float = 0.0


@dataclass
class Pipeline:
    """The steps of one sector."""

    console: Console
    owner: Client
    sector: str
    stages: list[Stage] = field(default_factory=list)

    def ask(self, name: str, **variables: object) -> dict[str, Any]:
        """The one field that the operation asks for."""
        found: dict[str, Any] = next(iter(self.owner.ask(OPERATIONS[name], **variables).values()))
        return found

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time it, and keep it for the report."""
        self.console.print(f"[bold]{name}[/]")
        stage, begun = Stage(name), time.monotonic()
        yield stage
        stage.seconds = time.monotonic() - begun
        self.stages.append(stage)
        self.console.print(f"   {stage.made}")

    def done(self, stage: Stage, name: str, **variables: object) -> dict[str, Any]:
        """Start a job, draw its progress to its end, and give it back. Raises Unexpected unless it succeeded."""
        started = self.ask(name, **variables)["job"]
        with Progress(
            TextColumn("  "), BarColumn(), TextColumn("{task.percentage:3.0f} %  {task.description}")
        ) as bar:
            shown = bar.add_task("", total=100)
            for event in self.owner.follow(OPERATIONS["Follow"], job=started["id"]):
                now = event["jobEvents"]
                if now["textDelta"] is None:
                    bar.update(shown, completed=now["percent"], description=f"{now['state']} {now['message']}")
        job = self.ask("Job", job=started["id"])
        if job["state"] not in ("SUCCEEDED", "PARTIAL"):
            raise Unexpected(f"{stage.name}: {job['state']} {job['error']}")
        stage.held += job["creditsHeld"]
        stage.used += job["creditsUsed"]
        return job


def show(console: Console, owner: Client, folder: Path) -> None:
    """Everything, and a report at the end."""
    given = {"name": "Coffee at home", "domain": "coffee.example.com"}
    site = owner.ask(OPERATIONS["CreateSite"], input=given)["createSite"]["site"]["id"]
    made = owner.ask(OPERATIONS["CreateSector"], input={"siteId": site, "name": "Brewing"})
    run = Pipeline(console, owner, made["createSector"]["sector"]["id"])
    _import(run)
    _cluster(run)
    tasks = _plan(run)
    contents = _write(run, tasks)
    _illustrate(run, contents)
    _report(run, folder)


def _import(run: Pipeline) -> None:
    with run.stage("Import a keyword export of Semrush") as stage:
        job = run.done(stage, "ImportKeywords", sector=run.sector, csv=_EXPORT.read_text())
        report = job["outcome"]
        stage.made = f"{report['created']} keywords of {report['rows']} rows, {report['rejected']} rejected"


def _cluster(run: Pipeline) -> None:
    with run.stage("Cluster them by meaning") as stage:
        job = run.done(stage, "ClusterKeywords", sector=run.sector)
        left_over = ", ".join(one["keyword"] for one in job["outcome"]["leftOver"][:3])
        stage.made = f"{job['outcome']['clustersCreated']} clusters; left over: {left_over or 'nothing'}"
    table = Table("cluster", "keywords", "searches a month", "mostly", "for example", box=None, padding=(0, 2))
    for one in run.ask("Clusters", sector=run.sector)["nodes"][:8]:
        keywords = ", ".join(keyword["keyword"] for keyword in one["keywords"]["nodes"])
        table.add_row(one["name"], str(one["keywordsCount"]), f"{one['volume']:,}", one["dominantIntent"], keywords)
    run.console.print(table)


def _plan(run: Pipeline) -> list[str]:
    with run.stage("Find ideas for the largest clusters") as stage:
        clusters = [one["id"] for one in run.ask("Clusters", sector=run.sector)["nodes"][:_CLUSTERS]]
        report = run.done(stage, "GenerateIdeas", clusters=clusters)["outcome"]
        stage.made = f"{report['created']} ideas, {report['duplicatesDropped']} near-duplicates dropped"
    ideas = run.ask("Ideas", sector=run.sector)["nodes"]
    for one in ideas[:ARTICLES]:
        run.console.print(f"   - {one['title']}")
    tasks = run.ask("CreateTasks", ideas=[one["id"] for one in ideas[:ARTICLES]])["tasks"]
    return [one["id"] for one in tasks]


def _write(run: Pipeline, tasks: list[str]) -> list[str]:
    with run.stage(f"Write {len(tasks)} articles of about 900 words") as stage:
        run.done(stage, "GenerateContent", tasks=tasks)
        articles = run.ask("Articles", sector=run.sector)["nodes"]
        stage.made = f"{len(articles)} articles, {sum(one['wordCount'] for one in articles):,} words"
    return [one["id"] for one in articles]


def _illustrate(run: Pipeline, contents: list[str]) -> None:
    with run.stage("Describe and make their images") as stage:
        run.done(stage, "GenerateImagePrompts", contents=contents)
        articles = run.ask("Articles", sector=run.sector)["nodes"]
        images = [image["id"] for one in articles for image in one["images"]["nodes"]]
        run.done(stage, "GenerateImages", images=images)
        stage.made = f"{len(images)} images"


def _report(run: Pipeline, folder: Path) -> None:
    articles = run.ask("Articles", sector=run.sector)["nodes"]
    path = page.written(articles, folder)
    table = Table("step", "made", "held", "used", "seconds", box=None, padding=(0, 2))
    for stage in run.stages:
        table.add_row(stage.name, stage.made, f"{stage.held:,}", f"{stage.used:,}", f"{stage.seconds:.1f}")
    run.console.print("\n[bold]Report[/]")
    run.console.print(table)
    left = run.ask("Balance")["creditsAvailable"]
    used = sum(stage.used for stage in run.stages)
    run.console.print(f"   {used:,} credits used, {left:,} left. The articles: [bold]{path}[/]")
