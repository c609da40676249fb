#!/usr/bin/env node
// Follow a job to its end, through lost connections: every event once, in order.
//
//     IGNY8_TOKEN=... node examples/follow_job.mjs job_0190f3c2...
//
// By server-sent events over fetch; `follow` is for browsers too (EventSource cannot send headers or a body).
// Access tokens last 15 minutes: with IGNY8_REFRESH_TOKEN set, a new one is fetched when it is needed (and the
// one that is set is used up). Exit code 0: succeeded, 1: did not, 2: wrong use. Node 18 or newer, no packages.

const EVENTS = `
subscription Follow($job: ID!, $after: String) {
  jobEvents(jobId: $job, after: $after) { cursor state percent message itemsDone itemsFailed itemsTotal } }`;
const RENEW = `
mutation Renew($token: String!) { refreshToken(refreshToken: $token) { tokens { accessToken refreshToken } } }`;
const JSON_TYPE = "application/graphql-response+json";
const SILENCE = 40_000; // ms; the server says something every 15 s: who is silent for longer is not there
const PASSING = ["UNAVAILABLE", "TIMEOUT", "RATE_LIMITED", "INTERNAL", "TOO_SLOW"];

export class Refused extends Error {} // The server's last word.
class Lost extends Error {} // The stream ended before the job: connect again, after the last cursor.
class Expired extends Lost {} // So it is, but with another access token.

// Every event of the job, over as many connections as it takes. A session is {url, token, refreshToken}.
export async function* follow(session, job) {
  let [cursor, failures, expired] = [null, 0, false];
  for (;;) {
    try {
      if (expired) await renew(session);
      expired = false;
      for await (const event of connection(session, { job, after: cursor })) {
        [cursor, failures] = [event.cursor, 0];
        yield event;
      }
      return;
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      expired ||= error instanceof Expired;
      failures += 1;
      const pause = Math.random() * Math.min(30_000, 500 * 2 ** failures); // not all clients at once
      console.error(`lost (${error.message}); again in ${(pause / 1000).toFixed(1)} s`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

// Exchanges the refresh token. It is good once, but for 30 s the same exchange may be asked for again.
async function renew(session) {
  if (!session.refreshToken) {
    throw new Refused("the access token is not good any more, and IGNY8_REFRESH_TOKEN is not set");
  }
  const body = { query: RENEW, variables: { token: session.refreshToken } };
  const response = await send(session.url, body, { Accept: JSON_TYPE }, AbortSignal.timeout(SILENCE));
  const tokens = (await answerOf(response)).data?.refreshToken?.tokens;
  if (!tokens) throw new Refused("the session has ended: sign in again");
  [session.token, session.refreshToken] = [tokens.accessToken, tokens.refreshToken];
}

// GraphQL over SSE, distinct connections mode: `next` for each event, then `complete`.
async function* connection({ url, token }, variables) {
  const abort = new AbortController();
  let timer;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(new Lost("the server is silent")), SILENCE);
  };
  alive();
  try {
    const headers = { Authorization: `Bearer ${token}`, Accept: `text/event-stream, ${JSON_TYPE}` };
    const response = await send(url, { query: EVENTS, variables }, headers, abort.signal);
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      throw refusal((await answerOf(response)).errors, false);
    }
    for await (const [name, data] of messages(response.body, alive)) {
      if (name === "complete") return;
      if (name === "next") yield eventOf(JSON.parse(data));
    }
    throw new Lost("the connection ended before the job");
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}

// [name, data] of each server-sent event; comments only show that the connection lives.
async function* messages(body, alive) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read().catch(lost);
    if (done) return;
    alive();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
      if (fields.event) yield [fields.event, fields.data ?? ""];
    }
  }
}

const send = (url, body, headers, signal) =>
  fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal,
  }).catch(lost);

function lost(error) {
  throw new Lost(error.cause?.message || error.message);
}

async function answerOf(response) {
  if (response.status === 429 || response.status >= 500) throw new Lost(`the server answers ${response.status}`);
  const text = await response.text().catch(lost);
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(`${response.url} answers ${response.status} without JSON: is this the server?`);
  }
}

// What to throw. Who was let in and is turned out comes back: at the door it is told whether for good.
function refusal(errors, letIn) {
  const [{ message, extensions }] = errors ?? [{ message: "the server does not answer with events" }];
  if (extensions?.code === "UNAUTHENTICATED") return new Expired(message);
  return letIn || PASSING.includes(extensions?.code) ? new Lost(message) : new Refused(message);
}

function eventOf({ data, errors }) {
  if (errors) throw refusal(errors, true);
  return data.jobEvents;
}

async function main([job, ...rest], { IGNY8_TOKEN: token, IGNY8_REFRESH_TOKEN: refreshToken, IGNY8_URL }) {
  const url = (IGNY8_URL ?? "http://127.0.0.1:8080").replace(/\/$/, "");
  const usage = "usage: IGNY8_TOKEN=... [IGNY8_URL=http://127.0.0.1:8080] node follow_job.mjs JOB_ID";
  if (job === "--help" || job === "-h") return console.log(usage) ?? 0;
  if (!job || job.startsWith("-") || rest.length) return console.error(usage) ?? 2;
  if (!token) return console.error("set IGNY8_TOKEN to an access token (signIn answers one)") ?? 2;
  if (!/^https?:\/\//.test(url)) return console.error("IGNY8_URL must begin with http:// or https://") ?? 2;
  let state;
  try {
    for await (const event of follow({ url, token, refreshToken }, job)) {
      state = event.state;
      const items = `${event.itemsDone + event.itemsFailed}/${event.itemsTotal}`;
      console.log([event.cursor, `${String(event.percent).padStart(3)} %`, state, items, event.message].join("\t"));
    }
    if (!state) throw new Refused("it ended so long ago that its events are gone; ask for the job itself");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.error(`cannot follow ${job}: ${error.message}`);
  }
  return state === "SUCCEEDED" ? 0 : 1;
}

const node = globalThis.process;
if (node?.argv[1]?.endsWith("follow_job.mjs")) node.exitCode = await main(node.argv.slice(2), node.env);
