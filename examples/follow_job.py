#!/usr/bin/env python3
"""Follow a job to its end, through lost connections: every event once, in order.

    IGNY8_TOKEN=... python examples/follow_job.py job_0190f3c2...

By server-sent events; --websocket uses graphql-transport-ws. Access tokens last 15 minutes: with
IGNY8_REFRESH_TOKEN set, a new one is fetched when it is needed (and the one that is set is used up).
Exit code 0: succeeded, 1: did not, 2: wrong use. Needs httpx, and for --websocket websockets 15 or newer.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

EVENTS = """
subscription Follow($job: ID!, $after: String) {
  jobEvents(jobId: $job, after: $after) { cursor state percent message itemsDone itemsFailed itemsTotal } }
"""
RENEW = """
mutation Renew($token: String!) { refreshToken(refreshToken: $token) { tokens { accessToken refreshToken } } }
"""
JSON = "application/graphql-response+json"
SILENCE_SECONDS = 40.0  # the server says something every 15 s: who is silent for longer is not there
PASSING = ("UNAVAILABLE", "TIMEOUT", "RATE_LIMITED", "INTERNAL", "TOO_SLOW")


class Refused(Exception):
    """The server's last word."""


class Lost(Exception):
    """The stream ended before the job: connect again, after the last cursor."""


class Expired(Lost):
    """So it is, but with another access token."""


@dataclass
class Session:
    """The server, and who we are there."""

    url: str
    token: str
    refresh_token: str | None = None

    def renew(self) -> None:
        """Exchange the refresh token. It is good once, but for 30 s the same exchange may be asked for again."""
        if self.refresh_token is None:
            raise Refused("the access token is not good any more, and IGNY8_REFRESH_TOKEN is not set")
        body = {"query": RENEW, "variables": {"token": self.refresh_token}}
        answer = answer_of(httpx.post(f"{self.url}/graphql", json=body, headers={"Accept": JSON}))
        tokens = ((answer.get("data") or {}).get("refreshToken") or {}).get("tokens")
        if tokens is None:
            raise Refused("the session has ended: sign in again")
        self.token, self.refresh_token = tokens["accessToken"], tokens["refreshToken"]


def by_events(session: Session, variables: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """GraphQL over SSE, distinct connections mode: `next` for each event, then `complete`."""
    headers = {"Authorization": f"Bearer {session.token}", "Accept": f"text/event-stream, {JSON}"}
    body, url = {"query": EVENTS, "variables": variables}, f"{session.url}/graphql"
    with httpx.stream("POST", url, json=body, headers=headers, timeout=SILENCE_SECONDS) as response:
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.read()
            raise refusal(answer_of(response).get("errors"), let_in=False)
        name, rest = "", ""
        for text in response.iter_text():
            *lines, rest = (rest + text).split("\n")  # iter_lines() would break at U+2028, too
            for line in lines:
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data" and name == "next":
                    yield event_of(json.loads(value))
                if name == "complete":
                    return
    raise Lost("the connection ended before the job")


def by_websocket(session: Session, variables: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """graphql-transport-ws: init, subscribe, `next` for each event, then `complete`; pings show who is there."""
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    url, acknowledged = f"ws{session.url.removeprefix('http')}/graphql", False
    try:
        with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
            token = {"Authorization": f"Bearer {session.token}"}
            socket.send(json.dumps({"type": "connection_init", "payload": token}))
            for message in map(json.loads, socket):
                if message["type"] == "connection_ack":
                    acknowledged, asked = True, {"query": EVENTS, "variables": variables}
                    socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
                elif message["type"] == "next":
                    yield event_of(message["payload"])
                elif message["type"] == "error":
                    raise refusal(message["payload"], let_in=False)
                elif message["type"] == "complete":
                    return
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd else None
        # After the acknowledgement 4403 may be another role: the same token may do.
        raise (Expired if code == 4401 or (code == 4403 and not acknowledged) else Lost)(str(closed)) from None
    except InvalidHandshake as broken:
        final = isinstance(broken, InvalidStatus) and broken.response.status_code < 500
        raise (Refused if final else Lost)(str(broken)) from None
    raise Lost("the connection ended before the job")


def answer_of(response: httpx.Response) -> dict[str, Any]:
    if response.status_code == 429 or response.status_code >= 500:
        raise Lost(f"the server answers {response.status_code}")
    try:
        return dict(response.json())
    except (TypeError, ValueError):
        raise Refused(f"{response.url} answers {response.status_code} without JSON: is this the server?") from None


def refusal(errors: list[dict[str, Any]] | None, *, let_in: bool) -> Exception:
    """What to raise. Who was let in and is turned out comes back: at the door it is told whether for good."""
    error: dict[str, Any] = errors[0] if errors else {"message": "the server does not answer with events"}
    code = error.get("extensions", {}).get("code")
    kind = Expired if code == "UNAUTHENTICATED" else Lost if let_in or code in PASSING else Refused
    return kind(error["message"])


def event_of(payload: dict[str, Any]) -> dict[str, Any]:
    if payload.get("errors"):
        raise refusal(payload["errors"], let_in=True)
    return dict(payload["data"]["jobEvents"])


def follow(session: Session, job: str, *, websocket: bool = False) -> Iterator[dict[str, Any]]:
    """Every event of the job, over as many connections as it takes. Raises Refused."""
    connect, cursor, failures, expired = by_websocket if websocket else by_events, None, 0, False
    while True:
        try:
            if expired:
                session.renew()
                expired = False
            for event in connect(session, {"job": job, "after": cursor}):
                cursor, failures = event["cursor"], 0
                yield event
            return
        except (Lost, httpx.TransportError, OSError) as error:
            expired, failures = expired or isinstance(error, Expired), failures + 1
            pause = random.uniform(0, min(30, 0.5 * 2**failures))  # not all clients at once
            print(f"lost ({error}); again in {pause:.1f} s", file=sys.stderr)
            time.sleep(pause)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", help="the job's id, from the mutation that started it")
    parser.add_argument("--url", default=os.environ.get("IGNY8_URL", "http://127.0.0.1:8080"), help="or IGNY8_URL")
    parser.add_argument("--websocket", action="store_true", help="by graphql-transport-ws")
    given, token = parser.parse_args(), os.environ.get("IGNY8_TOKEN")
    if not token:
        parser.error("set IGNY8_TOKEN to an access token (signIn answers one)")
    if not given.url.startswith(("http://", "https://")):
        parser.error(f"the address must begin with http:// or https://, not {given.url!r}")
    session, state = Session(given.url.rstrip("/"), token, os.environ.get("IGNY8_REFRESH_TOKEN")), None
    try:
        for event in follow(session, given.job, websocket=given.websocket):
            state = event["state"]
            items = f"{event['itemsDone'] + event['itemsFailed']}/{event['itemsTotal']}"
            print(event["cursor"], f"{event['percent']:3} %", state, items, event["message"], sep="\t", flush=True)
        if state is None:
            raise Refused("it ended so long ago that its events are gone; ask for the job itself")
    except Refused as error:
        print(f"cannot follow {given.job}: {error}", file=sys.stderr)
    return 0 if state == "SUCCEEDED" else 1


if __name__ == "__main__":
    sys.exit(main())
