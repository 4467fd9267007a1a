// Requests to the service; JSON responses and event streams are both read as events.

import { parseEvents } from "./events.js";

const FINAL_EVENTS = ["prediction", "spotting"]; // a stream without one was cut off
const BASE = new URL("..", import.meta.url); // the service may be mounted under any prefix

/** An error of the service (RFC 9457) or of this page. */
export class Problem extends Error {
  constructor({ code, detail = "", request_id = null, limit = null }, retryAfter = null) {
    super(code);
    Object.assign(this, { code, detail, requestId: request_id, limit, retryAfter });
  }
}

/** Returns the URL of a request; `kind` is frames, clip or video. */
export function address({ kind, include, tight }) {
  const url = new URL(`v1/predictions/${kind}`, BASE);
  if (include.length) url.search = `include=${include.join(",")}`;
  if (tight) url.searchParams.set("face", "none");
  return url.href.replaceAll("%2C", ",");
}

/**
 * Sends a request and yields its events as `{name, data}`: any number of `progress` and
 * `expression`, then one `prediction` or `spotting`.
 *
 * A request is `{kind, files, fields, include, tight}`. Throws Problem, and AbortError when
 * `signal` is aborted; the service then stops its work.
 */
export async function* submit(request, key, signal) {
  const body = new FormData();
  for (const [name, file] of Object.entries(request.files)) body.append(name, file, file.name);
  for (const [name, value] of Object.entries(request.fields)) body.append(name, value);
  const headers = request.kind === "frames" ? {} : { Accept: "text/event-stream" };
  const response = await send(address(request), { method: "POST", body, headers, signal }, key);
  if (response.headers.get("content-type").startsWith("application/json")) {
    yield { name: "prediction", data: await response.json() };
    return;
  }
  let ended = false;
  for await (const event of guarded(parseEvents(response.body), signal)) {
    if (event.name === "problem") throw new Problem(event.data);
    ended = FINAL_EVENTS.includes(event.name);
    yield event;
  }
  if (!ended) throw new Problem({ code: "connection_lost" });
}

/** Fetches the model card. */
export async function model(key) {
  return (await send(new URL("v1/model", BASE), {}, key)).json();
}

/** Fetches one of the sample files as a File. */
export async function sample(name) {
  const response = await send(new URL(`web/${name}`, BASE), {}, "");
  const blob = await response.blob();
  return new File([blob], name, { type: blob.type });
}

async function send(url, options, key) {
  const headers = { ...options.headers, ...(key ? { "X-API-Key": key } : {}) };
  let response;
  try {
    response = await fetch(url, { ...options, headers });
  } catch (error) {
    throw connectionError(error, options.signal);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({ code: "internal_error" }));
  throw new Problem(problem, Number(response.headers.get("retry-after")) || null);
}

async function* guarded(events, signal) {
  try {
    yield* events;
  } catch (error) {
    throw connectionError(error, signal);
  }
}

function connectionError(error, signal) {
  return signal?.aborted ? error : new Problem({ code: "connection_lost" });
}
