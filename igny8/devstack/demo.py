"""`igny8 demo`: the main job over HTTP, against a private stack that is thrown away at the end."""

import asyncio
import csv
import email
import email.policy
import json
import os
import subprocess
import time
from io import StringIO
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from igny8.devstack.client import Client
from igny8.devstack.environment import Stack, private_stack
from igny8.devstack.serve import address_of, igny8, processes, told
from igny8.devstack.supervisor import Supervisor

START_SECONDS = 60.0

SIGN_UP = """mutation ($input: SignUpInput!) { signUp(input: $input) {
  errors { message } tokens { accessToken }
  viewer { role account { name slug plan { name } creditsAvailable } } } }"""
CREATE_SITE = """mutation ($input: CreateSiteInput!) { createSite(input: $input) {
  errors { message } site { id name slug } } }"""
CREATE_SECTOR = """mutation ($input: CreateSectorInput!) { createSector(input: $input) {
  errors { message } sector { id name } } }"""
INVITE = """mutation ($input: InviteUserInput!) { inviteUser(input: $input) {
  errors { message } user { id name role status } } }"""
ACCEPT = """mutation ($token: String!) {
  acceptInvitation(token: $token, password: "tulips-in-the-morning", name: "Edith Editor") {
  errors { message } tokens { accessToken } viewer { role permissions } } }"""
REVOKE = """mutation ($user: ID!, $sites: [ID!]!) { revokeSiteAccess(userId: $user, siteIds: $sites) {
  errors { message } success } }"""
SECTORS = "query ($site: ID!) { site(id: $site) { sectors { nodes { id } } } }"
CREATE_KEYWORDS = """mutation ($input: CreateKeywordsInput!) { createKeywords(input: $input) {
  errors { message } report { created updated rejected } } }"""
CLUSTER = """mutation ($input: ClusterKeywordsInput!) { clusterKeywords(input: $input) {
  errors { message } job { id creditsHeld } } }"""
EVENTS = "subscription ($job: ID!) { jobEvents(jobId: $job) { cursor state percent message } }"
JOB = """query ($job: ID!) { job(id: $job) { state creditsUsed
  outcome { ... on ClusteringReport { clustersCreated leftOver { keyword } } } } }"""
CLUSTERS = """query ($sector: ID!) {
  clusters(filter: {sectorId: [$sector]}, orderBy: [{field: VOLUME, direction: DESC}], first: 30) {
    nodes { name keywordsCount volume dominantIntent keywords(first: 2) { nodes { keyword } } } } }"""
NESTED = """{
  viewer { role user { name email } }
  account { name creditsAvailable owner { name } }
  sites(orderBy: [{field: NAME, direction: ASC}]) {
    totalCount
    nodes { name domain access { totalCount }
      sectors { nodes { name status } } } } }"""


def run() -> int:
    """Show everything; the exit code. What happens is printed as it happens."""
    console = Console(highlight=False, width=max(100, min(140, Console().width)))
    begun = time.monotonic()
    # What the caller has configured is another installation: the demo must not touch it.
    foreign = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("IGNY8_")}
    try:
        console.print("Starting a private stack (PostgreSQL, Redis, API, worker, dispatcher, AI providers) ...")
        with private_stack() as stack:
            variables = {**os.environ, **stack.environment}
            subprocess.run(igny8("migrate", "--roles"), env=variables, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # ourselves
            code = asyncio.run(_run_in(stack, console, begun))
    finally:
        os.environ.update(foreign)
    if code == 0:
        console.print(f"\nDone in {time.monotonic() - begun:.0f} s; the private stack is gone.")
    return code


async def _run_in(stack: Stack, console: Console, begun: float) -> int:
    """Show everything while the processes of the stack run; their output is shown when something goes wrong."""
    output = StringIO()
    client, mails = Client(address_of(stack)), Path(stack.environment["IGNY8_MAIL_FOLDER"])
    async with Supervisor(processes(stack), servers=stack.servers, screen=output) as supervisor:
        ended = asyncio.create_task(supervisor.wait())
        if await supervisor.ready(f"{client.address}/ready"):
            console.print(f"It answers at {client.address}/graphql after {time.monotonic() - begun:.1f} s.")
            console.print(f"It calls {told(stack.providers)}.\n")
            showing = asyncio.create_task(asyncio.to_thread(_show, console, client, mails))
            await asyncio.wait([showing, ended], return_when=asyncio.FIRST_COMPLETED)
            if showing.done():
                ended.cancel()
                await showing
                return 0
        console.print(output.getvalue()[-3000:], style="red", markup=False)
        return await ended or 130


def _show(console: Console, client: Client, mails: Path) -> None:
    console.print("[bold]1. Sign up[/]: an account, its owner, a plan and credits")
    given = {
        "email": "ann@example.com",
        "password": "daffodils at noon",
        "name": "Ann Owner",
        "accountName": "Ann's Garden",
    }
    signed_up = client.ask(SIGN_UP, input=given)["signUp"]
    owner = client.signed_in(signed_up["tokens"]["accessToken"])
    account = signed_up["viewer"]["account"]
    plan, credits_ = account["plan"]["name"], account["creditsAvailable"]
    console.print(f"   {account['name']} ({account['slug']}), plan {plan}, {credits_} credits")

    console.print("[bold]2. Two sites with sectors[/]")
    sites = [
        _site(owner, "Garden shop", "shop.example.com", ["Roses", "Garden tools"]),
        _site(owner, "Garden blog", "blog.example.com", ["Lawn care"]),
    ]
    for site in sites:
        console.print(f"   {site['name']}: {site['id']}")

    console.print("[bold]3. Invite an editor with a grant for the blog alone[/]; the invitation comes by mail")
    invited = owner.ask(INVITE, input={"email": "edith@example.com", "role": "EDITOR", "siteIds": [sites[1]["id"]]})
    token = _mailed_token(mails, "edith@example.com")
    accepted = client.ask(ACCEPT, token=token)["acceptInvitation"]
    editor = client.signed_in(accepted["tokens"]["accessToken"])
    console.print(
        f"   accepted: role {accepted['viewer']['role']}, may {', '.join(accepted['viewer']['permissions'])}\n"
    )

    console.print("[bold]4. Cluster 60 keywords[/] by meaning, as a job; its progress comes by a subscription")
    clusters = _clusters(console, owner, sites[1])
    console.print(clusters)

    console.print(
        "\n[bold]5. One nested query, asked by each of them[/]: one statement each, and row-level security decides"
    )
    console.print(NESTED)
    _side_by_side(console, {"Ann, owner": owner.ask(NESTED), "Edith, editor": editor.ask(NESTED)})

    console.print("\n[bold]6. Take the grant away[/]: the very next request of the same token sees nothing")
    owner.ask(REVOKE, user=invited["inviteUser"]["user"]["id"], sites=[sites[1]["id"]])
    console.print_json(json.dumps(editor.ask("{ sites { totalCount nodes { name } } }")))


def _clusters(console: Console, owner: Client, site: dict[str, Any]) -> Table:
    """Keywords in, clusters out."""
    sector = owner.ask(SECTORS, site=site["id"])["site"]["sectors"]["nodes"][0]["id"]
    made = owner.ask(CREATE_KEYWORDS, input={"sectorId": sector, "keywords": _keywords()})
    console.print(f"   {made['createKeywords']['report']['created']} keywords created")
    job = owner.ask(CLUSTER, input={"sectorId": sector})["clusterKeywords"]["job"]
    console.print(f"   job {job['id']}: {job['creditsHeld']} credits held")
    with Progress(TextColumn("  "), BarColumn(), TextColumn("{task.percentage:3.0f} %  {task.description}")) as bar:
        shown = bar.add_task("", total=100)
        for event in owner.follow(EVENTS, job=job["id"]):
            told_now = event["jobEvents"]
            bar.update(shown, completed=told_now["percent"], description=f"{told_now['state']} {told_now['message']}")
    done = owner.ask(JOB, job=job["id"])["job"]
    account = owner.ask("{ account { creditsAvailable } }")["account"]
    left_over = ", ".join(one["keyword"] for one in done["outcome"]["leftOver"])
    console.print(
        f"   {done['state']}: {done['creditsUsed']} credits used, {account['creditsAvailable']} left;"
        f" left over: {left_over or 'nothing'}"
    )
    table = Table("cluster", "keywords", "searches a month", "mostly", "for example", box=None, padding=(0, 2))
    for one in owner.ask(CLUSTERS, sector=sector)["clusters"]["nodes"]:
        keywords = ", ".join(keyword["keyword"] for keyword in one["keywords"]["nodes"])
        table.add_row(one["name"], str(one["keywordsCount"]), f"{one['volume']:,}", one["dominantIntent"], keywords)
    return table


def _keywords() -> list[dict[str, Any]]:
    with Path(__file__).with_name("demo_keywords.csv").open(newline="") as file:
        return [
            {**row, "volume": int(row["volume"]), "difficulty": int(row["difficulty"])}
            for row in csv.DictReader(file)
        ]


def _site(owner: Client, name: str, domain: str, sectors: list[str]) -> dict[str, Any]:
    site: dict[str, Any] = owner.ask(CREATE_SITE, input={"name": name, "domain": domain})["createSite"]["site"]
    for sector in sectors:
        owner.ask(CREATE_SECTOR, input={"siteId": site["id"], "name": sector})
    return site


def _side_by_side(console: Console, answers: dict[str, dict[str, Any]]) -> None:
    width = console.width // len(answers) - 1
    panels = [Panel(json.dumps(data, indent=1), title=who, width=width) for who, data in answers.items()]
    console.print(Columns(panels, padding=(0, 1)))


def _mailed_token(folder: Path, recipient: str) -> str:
    """The secret in the link of the newest mail to somebody; it is sent after the commit, so wait for it."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        for file in sorted(folder.glob("*.eml"), reverse=True):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = message.get_body()
            if recipient in str(message["to"]) and body is not None:
                return str(body.get_content()).partition("#token=")[2].split()[0]
        time.sleep(0.05)
    raise TimeoutError(f"No mail to {recipient} came within {START_SECONDS:.0f} s.")
