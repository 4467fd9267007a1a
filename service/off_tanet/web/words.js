// Words for the codes and numbers of the service, in the language of the page.

import { format, say, texts } from "./language.js";

/** Returns the title and the advice for a problem code. */
export function problem(code) {
  const [title, advice] = texts.problems[code] ?? texts.unknownProblem;
  return { title, advice };
}

export function warning(word) {
  return texts.warnings[word] ?? word.replaceAll("_", " ");
}

/** Returns why no class is named, and what helps. */
export function reason(word) {
  const [text, advice] = texts.reasons[word] ?? [word.replaceAll("_", " "), ""];
  return { text, advice };
}

export function className(label) {
  return texts.classes[label] ?? label;
}

/** Returns the label with its probability, or why there is none. */
export function verdict({ label, reason: word, probabilities }) {
  if (label === null) return say("none", { reason: texts.shortReasons[word] ?? word });
  return `${className(label)} ${probabilities[label].toFixed(2)}`;
}

/** Returns the heading of an answer, with the probability of its class. */
export function title({ label, probabilities }) {
  if (label === null) return say("noLabel");
  const share = `${className(label)} (${(100 * probabilities[label]).toFixed(1)}%)`;
  return say("closest", { label: share });
}

export function stage(name) {
  return texts.stages[name] ?? name;
}

/** Formats a frame's position, such as `frame 13, 0.108 s`. */
export function moment({ index, time_s }) {
  return say("moment", { index, time: time_s.toFixed(3) });
}

/** Formats a time of a long video, such as `1:07.25`. */
export function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

/** Formats bytes in MB, never rounded up. */
export function size(bytes) {
  const scale = bytes < 10e6 ? 10 : 1;
  return say("megabytes", { count: Math.floor((bytes / 1e6) * scale) / scale });
}

/** Formats a duration in seconds, or from two minutes on in minutes. */
export function duration(seconds) {
  if (seconds < 120) return say("seconds", { count: Number(seconds.toFixed(1)) });
  return say("minutes", { count: Number((seconds / 60).toFixed(1)) });
}

/** Returns the form of a text for a number. */
export function counted(forms, count) {
  return format(count === 0 ? forms.zero : count === 1 ? forms.one : forms.other, { count });
}
