"""How long mutations take, one after the other, against a running server: python benchmarks/mutations.py [URL].

Makes an account of its own and leaves it there. Signing in runs less often than the others, because it is throttled.
"""

import statistics
import sys
import time
import uuid
from collections import defaultdict
from typing import Any

import httpx
from click import echo

ROUNDS, SIGN_INS = 60, 15
PASSWORD = "a long enough password"  # of an account made for the measurement


class Caller:
    """Sends mutations and keeps how long each took, in milliseconds."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        self.took: dict[str, list[float]] = defaultdict(list)

    def __call__(self, name: str, arguments: str, selection: str = "", **variables: Any) -> dict[str, Any]:
        """Call a mutation, for example `createSite` with `input: $input`, and end when it fails."""
        types = {"input": f"{name[0].upper()}{name[1:]}Input!", "ids": "[ID!]!", "id": "ID!", "token": "String!"}
        declared = ", ".join(f"${key}: {types[key]}" for key in variables)
        called = f"{name}({arguments})" if arguments else name
        head = f"mutation({declared})" if declared else "mutation"
        query = f"{head} {{ {called} {{ success errors {{ message }} {selection} }} }}"
        begun = time.perf_counter()
        response = self.http.post("/graphql", json={"query": query, "variables": variables})
        self.took[name].append((time.perf_counter() - begun) * 1000)
        answer = response.json()
        if "errors" in answer or not answer["data"][name]["success"]:
            sys.exit(f"{name}: {answer}")
        found: dict[str, Any] = answer["data"][name]
        return found


def measure(call: Caller) -> None:
    email = f"bench-{uuid.uuid4().hex}@example.com"
    tokens = "tokens { accessToken refreshToken }"
    person = {"email": email, "password": PASSWORD, "name": "Bench"}
    pair = call("signUp", "input: $input", tokens, input=person)["tokens"]
    call.http.headers["Authorization"] = f"Bearer {pair['accessToken']}"
    for _ in range(ROUNDS):
        one_round(call)
    for _ in range(SIGN_INS):
        pair = call("signIn", "input: $input", tokens, input={"email": email, "password": PASSWORD})["tokens"]
    for _ in range(ROUNDS):
        pair = call("refreshToken", "refreshToken: $token", tokens, token=pair["refreshToken"])["tokens"]
    call.http.headers["Authorization"] = f"Bearer {pair['accessToken']}"
    call("signOut", "")


def one_round(call: Caller) -> None:
    name = f"Bench {uuid.uuid4().hex[:8]}"
    site = call("createSite", "input: $input", "site { id name slug }", input={"name": name})["site"]["id"]
    sector = call("createSector", "input: $input", "sector { id }", input={"siteId": site, "name": name})["sector"][
        "id"
    ]
    call("updateSite", "input: $input", "site { id name }", input={"id": site, "name": f"{name}!"})
    call("updateSector", "input: $input", "sector { id name }", input={"id": sector, "name": f"{name}!"})
    call("updateProfile", "input: $input", "user { name }", input={"name": name})
    call("updateAccount", "input: $input", "account { name }", input={"name": name})
    call("deleteSector", "id: $id", "deletedId", id=sector)
    call("deleteSite", "id: $id", "deletedId", id=site)


def main() -> None:
    call = Caller(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
    measure(call)
    echo(f"{'mutation':<16}{'calls':>6}{'median ms':>11}{'95 % ms':>9}{'most ms':>9}")
    for name, took in call.took.items():
        nearly_all = sorted(took)[int(len(took) * 0.95)]
        echo(f"{name:<16}{len(took):>6}{statistics.median(took):>11.1f}{nearly_all:>9.1f}{max(took):>9.1f}")


if __name__ == "__main__":
    main()
