#!/usr/bin/env node
// Follow a job to its end, through lost connections: every event once, in order.
//
//     IGNY8_TOKEN=... node examples/follow_job.mjs job_0190f3c2...
//
// By server-sent events over fetch, so it runs in browsers too (EventSource cannot send headers or a body).
// Access tokens last 15 minutes: with IGNY8_REFRESH_TOKEN set, a new one is fetched when it is needed.
// Exit code 0: succeeded, 1: did not, 2: wrong use. Node 18 or newer, no packages.

const EVENTS = `
subscription Follow($job: ID!, $after: String) {
  jobEvents(jobId: $job, after: $after) { cursor state percent message itemsDone itemsFailed itemsTotal }
}`;
const RENEW = `mutation Renew($token: String!) {
  refreshToken(refreshToken: $token) { tokens { accessToken refreshToken } } }`;
// The server says something every 15 s: a connection that is silent for longer is dead.
const SILENCE = 40_000;
const PASSING = new Set(["UNAVAILABLE", "TIMEOUT", "RATE_LIMITED", "INTERNAL"]);

class Refused extends Error {}
class SignedOut extends Refused {}

// Every event of the job, over as many connections as it takes.
export async function* follow(session, job) {
  let cursor = null;
  let failures = 0;
  for (;;) {
    try {
      for await (const event of connection(session, { job, after: cursor })) {
        cursor = event.cursor;
        failures = 0;
        yield event;
      }
      return;
    } catch (error) {
      if (error instanceof SignedOut) {
        await renew(session);
        continue;
      }
      if (error instanceof Refused) throw error;
      failures += 1;
      const pause = Math.random() * Math.min(30_000, 500 * 2 ** failures); // not all clients at once
      console.error(`lost (${error.message}); again in ${(pause / 1000).toFixed(1)} s`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

// Exchanges the refresh token, which is good for one use.
async function renew(session) {
  if (!session.refreshToken) throw new Refused("the access token has expired, and IGNY8_REFRESH_TOKEN is not set");
  const response = await fetch(`${session.url}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: RENEW, variables: { token: session.refreshToken } }),
  });
  const tokens = (await response.json()).data?.refreshToken?.tokens;
  if (!tokens) throw new Refused("the session has ended: sign in again");
  session.token = tokens.accessToken;
  session.refreshToken = tokens.refreshToken;
}

async function* connection({ url, token }, variables) {
  const abort = new AbortController();
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new Error("the server is silent")), SILENCE);
  };
  alive();
  try {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "text/event-stream",
        Authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ query: EVENTS, variables }),
      signal: abort.signal,
    });
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      if (response.status >= 500 || response.status === 429) throw new Error(`the server answers ${response.status}`);
      eventOf(await response.json());
    }
    for await (const [name, data] of messages(response.body, alive)) {
      if (name === "complete") return;
      if (name === "next") yield eventOf(JSON.parse(data));
    }
    throw new Error("the connection ended before the job");
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

// [name, data] of each server-sent event; comments only show that the connection lives.
async function* messages(body, alive) {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    alive();
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
      if (fields.event) yield [fields.event, fields.data ?? ""];
    }
  }
}

function eventOf({ data, errors }) {
  if (!errors) return data.jobEvents;
  const [{ message, extensions }] = errors;
  if (PASSING.has(extensions?.code)) throw new Error(message);
  throw extensions?.code === "UNAUTHENTICATED" ? new SignedOut(message) : new Refused(message);
}

async function main() {
  const [job, ...rest] = process.argv.slice(2);
  const { IGNY8_TOKEN: token, IGNY8_REFRESH_TOKEN: refreshToken } = process.env;
  const url = (process.env.IGNY8_URL ?? "http://127.0.0.1:8080").replace(/\/$/, "");
  if (!job || job.startsWith("-") || rest.length || !token) {
    console.error("usage: IGNY8_TOKEN=... [IGNY8_URL=http://127.0.0.1:8080] node follow_job.mjs JOB_ID");
    return job === "--help" ? 0 : 2;
  }
  let state = "";
  try {
    for await (const event of follow({ url, token, refreshToken }, job)) {
      state = event.state;
      const done = `${event.itemsDone + event.itemsFailed}/${event.itemsTotal}`;
      console.log([event.cursor, `${String(event.percent).padStart(3)} %`, state, done, event.message].join("\t"));
    }
  } catch (error) {
    console.error(`cannot follow ${job}: ${error.message}`);
    return 1;
  }
  return state === "SUCCEEDED" ? 0 : 1;
}

if (process.argv[1]?.endsWith("follow_job.mjs")) process.exitCode = await main();
