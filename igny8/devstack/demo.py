"""`igny8 demo`: the main job over HTTP, against a private stack that is thrown away at the end."""

import asyncio
import email
import email.policy
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel

from igny8.devstack import supervisor
from igny8.devstack.client import Client
from igny8.devstack.environment import private_stack
from igny8.devstack.faults import StackFault
from igny8.devstack.serve import HOST, igny8

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
    with tempfile.TemporaryDirectory(prefix="igny8-demo-") as folder:
        console.print("Starting a private stack (PostgreSQL, Redis, API) ...")
        with _served(Path(folder)) as (client, mails):
            console.print(f"It answers at {client.address}/graphql after {time.monotonic() - begun:.1f} s.\n")
            _show(console, client, mails)
    console.print(f"\nDone in {time.monotonic() - begun:.0f} s; the private stack is gone.")
    return 0


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

    console.print(
        "[bold]4. One nested query, asked by each of them[/]: one statement each, and row-level security decides"
    )
    console.print(NESTED)
    _side_by_side(console, {"Ann, owner": owner.ask(NESTED), "Edith, editor": editor.ask(NESTED)})

    console.print("\n[bold]5. Take the grant away[/]: the very next request of the same token sees nothing")
    owner.ask(REVOKE, user=invited["inviteUser"]["user"]["id"], sites=[sites[1]["id"]])
    console.print_json(json.dumps(editor.ask("{ sites { totalCount nodes { name } } }")))


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


@contextmanager
def _served(folder: Path) -> Iterator[tuple[Client, Path]]:
    """A client of a private stack on a free port, and the folder where mails land."""
    # What the caller has configured is another installation: the demo must not touch it.
    foreign = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("IGNY8_")}
    try:
        with private_stack() as stack:
            variables = {**os.environ, **stack.environment}
            subprocess.run(igny8("migrate", "--roles"), env=variables, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # ourselves
            with _api(stack.port, variables, folder / "api.log"):
                yield Client(f"http://{HOST}:{stack.port}"), Path(variables["IGNY8_MAIL_FOLDER"])
    finally:
        os.environ.update(foreign)


@contextmanager
def _api(port: int, variables: dict[str, str], log: Path) -> Iterator[None]:
    command = igny8("api", "--host", HOST, "--port", str(port))
    with log.open("wb") as written, subprocess.Popen(command, env=variables, stdout=written, stderr=written) as api:  # noqa: S603  # ourselves
        try:
            ends = time.monotonic() + START_SECONDS
            while not asyncio.run(supervisor.answers(f"http://{HOST}:{port}/ready")):
                if api.poll() is not None or time.monotonic() > ends:
                    raise StackFault(f"The API did not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.05)
            yield
        finally:
            api.terminate()
            api.wait()
