// The limits of the service: shown before anyone meets them, and checked before anything is sent.

import { say } from "./language.js";
import { Problem } from "./problem.js";
import { duration, size } from "./words.js";

let limits = null; // until they are known, the service itself refuses what is too large

/** Takes the limits from the facts of the service. */
export function takeLimits(facts) {
  limits = facts.body_bytes ? facts : null;
}

/** Returns a line about the limits of a kind of input. */
export function limitLine(kind) {
  if (!limits) return "";
  const { body_bytes: bytes, image_pixels: pixels } = limits;
  if (kind === "frames") {
    return say("framesLimit", { size: size(bytes), pixels: Math.floor(pixels / 1e6) });
  }
  if (kind === "video") {
    const { video_bytes: all, video_seconds: seconds, video_frames: frames } = limits;
    return say("videoLimit", { size: size(all), seconds: duration(seconds), frames });
  }
  const { seconds, frames } = limits;
  return say("clipLimit", { size: size(bytes), seconds: duration(seconds), frames });
}

/** Throws Problem if the files of a request are larger than the service accepts. */
export function checkSizes({ kind, files }) {
  if (!limits) return;
  const limit = kind === "video" ? limits.video_bytes : limits.body_bytes;
  const all = Object.values(files);
  const bytes = all.reduce((sum, file) => sum + file.size, 0);
  if (bytes <= limit) return;
  const name = all.map((file) => file.name).join(" + ");
  throw new Problem({
    code: "file_too_large",
    values: { name, size: size(bytes), limit: size(limit) },
  });
}

/** Returns a Problem if a clip or video that the browser can play is too long, else null. */
export function lengthProblem(kind, name, seconds) {
  const limit = kind === "video" ? limits?.video_seconds : limits?.seconds;
  if (!limit || !(seconds > limit) || seconds === Infinity) return null;
  const code = kind === "video" ? "video_too_long" : "clip_too_long";
  return new Problem({
    code,
    values: { name, seconds: duration(seconds), limit: duration(limit) },
  });
}
