// The live stream of the service: pictures of a camera go out, events come in.

import { Problem } from "./problem.js";

const ADDRESS = new URL("../v1/stream", import.meta.url);
const WIDTH = 640; // the face needs no more
const QUALITY = 0.9;
const MOST_FPS = 30;
const HEAD_BYTES = 8;
// Problems that have other words for a stream than for a file.
const CODES = {
  limit_exceeded: "stream_too_long",
  no_face: "stream_no_face",
  slow_request: "stream_idle",
};

/**
 * Streams what the video element `view` shows, and yields events as `{name, data}`: one `ready`,
 * many `frame`, any number of `expression`, and one `spotting`. `options` are those of a video,
 * with the API key.
 *
 * After `stop` is aborted, or when the page is hidden, what is left is still answered. Throws
 * Problem.
 */
export async function* stream(view, options, stop) {
  const socket = new WebSocket(String(ADDRESS).replace(/^http/, "ws"));
  const events = received(socket).getReader();
  const end = new AbortController();
  const tell = (event) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(event));
  stop.addEventListener("abort", () => end.abort());
  end.signal.addEventListener("abort", () => tell({ event: "end" }));
  document.addEventListener("visibilitychange", () => document.hidden && end.abort(), {
    signal: end.signal,
  });
  socket.addEventListener("open", () => {
    tell({ event: "start", data: options });
    if (end.signal.aborted) tell({ event: "end" });
  });
  try {
    for (let last = ""; last !== "spotting"; ) {
      const { done, value } = await events.read();
      if (done) throw new Problem({ code: last ? "connection_lost" : "no_stream" });
      const { event: name, data } = JSON.parse(value);
      if (name === "problem") throw problem(data);
      if (name === "ready") film(view, socket, end.signal);
      yield { name, data };
      last = name;
    }
    const { value } = await events.read(); // the reason for an end is told after what was found
    if (value) throw problem(JSON.parse(value).data);
  } finally {
    end.abort();
    socket.close();
  }
}

/** Returns the problem of an event, in words for a stream. */
function problem(data) {
  return new Problem({ ...data, code: CODES[data.code] ?? data.code });
}

/** The messages of a socket; closing it is their end, for whatever reason. */
function received(socket) {
  return new ReadableStream({
    start(controller) {
      socket.addEventListener("message", ({ data }) => controller.enqueue(data));
      socket.addEventListener("close", () => controller.close());
    },
  });
}

/** Sends the pictures that are drawn, without a queue: what comes too fast is left out. */
async function film(view, socket, end) {
  const canvas = document.createElement("canvas");
  const scale = Math.min(1, WIDTH / view.videoWidth);
  canvas.width = Math.round(scale * view.videoWidth);
  canvas.height = Math.round(scale * view.videoHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const began = performance.now();
  const open = () => !end.aborted && socket.readyState === WebSocket.OPEN;
  let latest = -Infinity;
  let encoding = false; // while the next picture is waited for
  while (open()) {
    const now = await drawn(view);
    if (encoding || now - latest < 900 / MOST_FPS || socket.bufferedAmount > 0) continue;
    [latest, encoding] = [now, true];
    context.drawImage(view, 0, 0, canvas.width, canvas.height);
    encoded(canvas, (now - began) / 1000).then((message) => {
      encoding = false;
      if (open()) socket.send(message);
    });
  }
}

/** Returns a picture after its time, as the service reads it. */
async function encoded(canvas, seconds) {
  const picture = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  const head = new DataView(new ArrayBuffer(HEAD_BYTES));
  head.setFloat64(0, Math.max(0, seconds), true);
  return new Blob([head, picture]).arrayBuffer();
}

/** Waits for the next picture of a video, if there is one; returns the time in milliseconds. */
function drawn(view) {
  return new Promise((resolve) => {
    if (view.requestVideoFrameCallback) view.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });
}
