// The service: one request becomes a stream of events, whether it answers in JSON or as it goes.

import { eventsOf } from "./events.js";

const LAST = ["prediction", "spotting"]; // a stream that ends without one was broken off
const BASE = new URL("..", import.meta.url); // the service may be mounted under any prefix

/** What went wrong, as the service tells it (RFC 9457), or as the browser does. */
export class Problem extends Error {
  constructor({ code, detail = "", request_id = null, limit = null }, retryAfter = null) {
    super(code);
    Object.assign(this, { code, detail, requestId: request_id, limit, retryAfter });
  }
}

/** The address of a request: `kind` frames, clip or video. */
export function address({ kind, include, tight }) {
  const url = new URL(`v1/predictions/${kind}`, BASE);
  if (include.length) url.search = `include=${include.join(",")}`;
  if (tight) url.searchParams.set("face", "none");
  return url.href.replaceAll("%2C", ",");
}

/**
 * Asks, and yields `{name, data}`: `progress` and `expression` any number of times, then what the
 * request ends with, `prediction` or `spotting`.
 *
 * A request is `{kind, files, fields, include, tight}`. Throws Problem, and AbortError when
 * `signal` says so; the service then stops its work.
 */
export async function* ask(request, key, signal) {
  const body = new FormData();
  for (const [name, file] of Object.entries(request.files)) body.append(name, file, file.name);
  for (const [name, value] of Object.entries(request.fields)) body.append(name, value);
  const headers = request.kind === "frames" ? {} : { Accept: "text/event-stream" };
  const answer = await send(address(request), { method: "POST", body, headers, signal }, key);
  if (answer.headers.get("content-type").startsWith("application/json")) {
    yield { name: "prediction", data: await answer.json() };
    return;
  }
  let ended = false;
  for await (const event of unbroken(eventsOf(answer.body), signal)) {
    if (event.name === "problem") throw new Problem(event.data);
    ended = LAST.includes(event.name);
    yield event;
  }
  if (!ended) throw new Problem({ code: "connection_lost" });
}

/** The model's card. */
export async function model(key) {
  return (await send(new URL("v1/model", BASE), {}, key)).json();
}

/** One of the sample files, as if it had been chosen. */
export async function sample(name) {
  const answer = await send(new URL(`web/${name}`, BASE), {}, "");
  const blob = await answer.blob();
  return new File([blob], name, { type: blob.type });
}

async function send(url, options, key) {
  const headers = { ...options.headers, ...(key ? { "X-API-Key": key } : {}) };
  let answer;
  try {
    answer = await fetch(url, { ...options, headers });
  } catch (error) {
    throw lost(error, options.signal);
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({ code: "internal_error" }));
  throw new Problem(told, Number(answer.headers.get("retry-after")) || null);
}

async function* unbroken(events, signal) {
  try {
    yield* events;
  } catch (error) {
    throw lost(error, signal);
  }
}

function lost(error, signal) {
  return signal?.aborted ? error : new Problem({ code: "connection_lost" });
}
