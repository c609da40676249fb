"""Who the demo is about, and what each of them sees."""

import email
import email.policy
import json
import time
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel

from igny8.devstack.client import Client
from igny8.devstack.demo.operations import OPERATIONS

_MAIL_SECONDS = 60.0
_SITES = (("Garden shop", "shop.example.com", "Roses"), ("Garden blog", "blog.example.com", "Lawn care"))

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


def sign_up(console: Console, client: Client) -> Client:
    """The owner of a new account."""
    console.print("[bold]Sign up[/]: an account, its owner, a plan and credits")
    given = {
        "email": "ann@example.com",
        "password": "daffodils at noon",
        "name": "Ann Owner",
        "accountName": "Ann's Coffee",
    }
    signed_up = client.ask(OPERATIONS["SignUp"], input=given)["signUp"]
    account = signed_up["viewer"]["account"]
    plan, credits_ = account["plan"]["name"], account["creditsAvailable"]
    console.print(f"   {account['name']} ({account['slug']}), plan {plan}, {credits_:,} credits\n")
    return client.signed_in(signed_up["tokens"]["accessToken"])


def show_walls(console: Console, client: Client, owner: Client, mails: Path) -> None:
    """An editor sees the sites that were granted, and nothing any more when the grant is gone."""
    console.print("\n[bold]Two more sites, and an editor with a grant for one[/]; the invitation comes by mail")
    sites = [_site(owner, *one) for one in _SITES]
    invited = owner.ask(INVITE, input={"email": "edith@example.com", "role": "EDITOR", "siteIds": [sites[1]["id"]]})
    token = _mailed_token(mails, "edith@example.com")
    accepted = client.ask(ACCEPT, token=token)["acceptInvitation"]
    editor = client.signed_in(accepted["tokens"]["accessToken"])
    permissions = ", ".join(accepted["viewer"]["permissions"])
    console.print(f"   accepted: role {accepted['viewer']['role']}, may {permissions}\n")
    console.print(
        "[bold]One nested query, asked by each of them[/]: one statement each, and row-level security decides"
    )
    console.print(NESTED)
    _side_by_side(console, {"Ann, owner": owner.ask(NESTED), "Edith, editor": editor.ask(NESTED)})
    console.print("\n[bold]Take the grant away[/]: the very next request of the same token sees nothing")
    owner.ask(REVOKE, user=invited["inviteUser"]["user"]["id"], sites=[sites[1]["id"]])
    console.print_json(json.dumps(editor.ask("{ sites { totalCount nodes { name } } }")))


def _site(owner: Client, name: str, domain: str, sector: str) -> dict[str, Any]:
    made = owner.ask(OPERATIONS["CreateSite"], input={"name": name, "domain": domain})
    site: dict[str, Any] = made["createSite"]["site"]
    owner.ask(OPERATIONS["CreateSector"], input={"siteId": site["id"], "name": sector})
    return site


def _side_by_side(console: Console, answers: dict[str, dict[str, Any]]) -> None:
    width = console.width // len(answers) - 1
    panels = [Panel(json.dumps(data, indent=1), title=who, width=width) for who, data in answers.items()]
    console.print(Columns(panels, padding=(0, 1)))


def _mailed_token(folder: Path, recipient: str) -> str:
    """The secret in the link of the newest mail to somebody; it is sent after the commit, so wait for it."""
    ends = time.monotonic() + _MAIL_SECONDS
    while time.monotonic() < ends:
        for file in sorted(folder.glob("*.eml"), reverse=True):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = message.get_body()
            if recipient in str(message["to"]) and body is not None:
                return str(body.get_content()).partition("#token=")[2].split()[0]
        time.sleep(0.05)
    raise TimeoutError(f"No mail to {recipient} came within {_MAIL_SECONDS:.0f} s.")
