#!/usr/bin/env python3
"""Follow a job to its end, through lost connections: every event once, in order.

    IGNY8_TOKEN=... python examples/follow_job.py job_0190f3c2...

By server-sent events; --websocket uses graphql-transport-ws. Access tokens last 15 minutes: with
IGNY8_REFRESH_TOKEN set, a new one is fetched when it is needed. Exit code 0: succeeded, 1: did not, 2: wrong use.
Needs httpx, and websockets for --websocket.
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
  jobEvents(jobId: $job, after: $after) { cursor state percent message itemsDone itemsFailed itemsTotal }
}
"""
RENEW = (
    "mutation Renew($token: String!) { refreshToken(refreshToken: $token) { tokens { accessToken refreshToken } } }"
)
#: The server says something every 15 s: a connection that is silent for longer is dead.
SILENCE_SECONDS = 40.0
#: These pass: connect again. Everything else is told by the server and is final.
PASSING = (httpx.TransportError, OSError, TimeoutError, EOFError)

Event = dict[str, Any]


class Refused(Exception):
    """The server does not let us follow this job."""


class SignedOut(Refused):
    """The access token is not good any more."""


@dataclass
class Session:
    """The server, and who we are there."""

    url: str
    token: str
    refresh_token: str | None = None

    def renew(self) -> None:
        """Exchange the refresh token, which is good for one use. Raises SignedOut."""
        if self.refresh_token is None:
            raise SignedOut("the access token has expired, and IGNY8_REFRESH_TOKEN is not set")
        body = {"query": RENEW, "variables": {"token": self.refresh_token}}
        answer = httpx.post(f"{self.url}/graphql", json=body).json()
        tokens = ((answer.get("data") or {}).get("refreshToken") or {}).get("tokens")
        if tokens is None:
            raise SignedOut("the session has ended: sign in again")
        self.token, self.refresh_token = tokens["accessToken"], tokens["refreshToken"]


def by_events(session: Session, variables: dict[str, Any]) -> Iterator[Event]:
    """GraphQL over SSE, distinct connections mode: `next` for each event, then `complete`."""
    headers = {"Authorization": f"Bearer {session.token}", "Accept": "text/event-stream"}
    body = {"query": EVENTS, "variables": variables}
    with httpx.stream(
        "POST", f"{session.url}/graphql", json=body, headers=headers, timeout=SILENCE_SECONDS
    ) as response:
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.read()
            if response.status_code >= 500 or response.status_code == 429:
                raise OSError(f"the server answers {response.status_code}")
            yield event_of(response.json())
        name = ""
        for line in response.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field.startswith("data") and name == "next":
                yield event_of(json.loads(value))
            if name == "complete":
                return
    raise EOFError("the connection ended before the job")


def by_websocket(session: Session, variables: dict[str, Any]) -> Iterator[Event]:
    """graphql-transport-ws: init, subscribe, `next` for each event, then `complete`."""
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    address = f"ws{session.url.removeprefix('http')}/graphql"
    try:
        with connect(address, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]  # a str
            hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {session.token}"}}
            socket.send(json.dumps(hello))
            socket.recv(SILENCE_SECONDS)
            asked = {"query": EVENTS, "variables": variables}
            socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
            while True:
                message = json.loads(socket.recv(SILENCE_SECONDS))
                if message["type"] == "complete":
                    return
                if message["type"] == "error":
                    event_of({"errors": message["payload"]})
                if message["type"] == "next":
                    yield event_of(message["payload"])
    except ConnectionClosed as closed:
        if closed.rcvd is not None and closed.rcvd.code in (4401, 4403):
            raise SignedOut(closed.rcvd.reason) from None
        raise EOFError("the connection ended before the job") from None


def event_of(payload: dict[str, Any]) -> Event:
    if payload.get("errors"):
        error = payload["errors"][0]
        code = error.get("extensions", {}).get("code")
        if code in ("UNAVAILABLE", "TIMEOUT", "RATE_LIMITED", "INTERNAL"):
            raise OSError(error["message"])
        raise (SignedOut if code == "UNAUTHENTICATED" else Refused)(error["message"])
    event: Event = payload["data"]["jobEvents"]
    return event


def follow(session: Session, job: str, *, websocket: bool) -> Iterator[Event]:
    """Every event of the job, over as many connections as it takes. Raises Refused."""
    cursor, failures = None, 0
    while True:
        try:
            for event in (by_websocket if websocket else by_events)(session, {"job": job, "after": cursor}):
                cursor, failures = event["cursor"], 0
                yield event
            return
        except SignedOut:
            session.renew()
        except PASSING as error:
            failures += 1
            pause = random.uniform(0, min(30, 0.5 * 2**failures))  # not all clients at once
            print(f"lost ({error}); again in {pause:.1f} s", file=sys.stderr)
            time.sleep(pause)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", help="the job's id, from the mutation that started it")
    parser.add_argument("--url", default=os.environ.get("IGNY8_URL", "http://127.0.0.1:8080"), help="or IGNY8_URL")
    parser.add_argument("--websocket", action="store_true", help="by graphql-transport-ws")
    given = parser.parse_args()
    token = os.environ.get("IGNY8_TOKEN")
    if not token:
        parser.error("set IGNY8_TOKEN to an access token (signIn answers one)")
    session, state = Session(given.url.rstrip("/"), token, os.environ.get("IGNY8_REFRESH_TOKEN")), ""
    try:
        for event in follow(session, given.job, websocket=given.websocket):
            state = event["state"]
            done = f"{event['itemsDone'] + event['itemsFailed']}/{event['itemsTotal']}"
            print(event["cursor"], f"{event['percent']:3} %", state, done, event["message"], sep="\t", flush=True)
    except Refused as error:
        print(f"cannot follow {given.job}: {error}", file=sys.stderr)
        return 1
    return 0 if state == "SUCCEEDED" else 1


if __name__ == "__main__":
    sys.exit(main())
