// Requests to the service; JSON responses and event streams are both read as events.

import { parseEvents } from "./events.js";
import { Problem } from "./problem.js";

const FINAL_EVENTS = ["prediction", "spotting"]; // a stream without one was cut off
const BASE = new URL("..", import.meta.url); // the service may be mounted under any prefix

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

/** Fetches the limits of the service, and whether it requires a key; an older one says nothing. */
export async function facts() {
  try {
    return await (await send(new URL("web/service.json", BASE), {}, "")).json();
  } catch (error) {
    if (error instanceof Problem) return {};
    throw error;
  }
}

/** Fetches one of the sample files as a File. */
export async function sample(name) {
  const response = await send(sampleAddress(name), {}, "");
  const blob = await response.blob();
  return new File([blob], name, { type: blob.type });
}

export function sampleAddress(name) {
  return new URL(`web/${name}`, BASE).href;
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
  const problem = await response.json().catch(() => foreignProblem(response.status));
  throw new Problem(problem, Number(response.headers.get("retry-after")) || null);
}

/** The answer of another server on the way: the service itself always sends JSON. */
function foreignProblem(status) {
  return { code: status === 413 ? "proxy_limit" : "internal_error" };
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
