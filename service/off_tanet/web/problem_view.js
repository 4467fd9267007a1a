// Shows a problem in words, with what helps; cancelling is a note, not a problem.

import { byId, make } from "./dom.js";
import { say } from "./language.js";
import { problem as wordsOf } from "./words.js";

const EXPLAINED = {
  file_too_large: "tooLarge",
  clip_too_long: "tooLong",
  video_too_long: "tooLong",
  too_many_files: "refusedFiles",
  mixed_files: "refusedFiles",
};

export function showProblem({ code = "page", detail, requestId, retryAfter, values }) {
  const { title, advice } = wordsOf(code);
  const wait = retryAfter ? ` ${say("wait", { seconds: retryAfter })}` : "";
  const facts = [
    values && EXPLAINED[code] ? say(EXPLAINED[code], values) : "",
    detail ? say("detail", { detail }) : "",
    requestId ? say("request", { id: requestId }) : "",
  ].filter(Boolean);
  byId("problem").replaceChildren(
    make(
      "div",
      { role: "alert", class: "problem" },
      make("h2", {}, title),
      make("p", {}, advice + wait),
      ...facts.map((fact) => make("p", { class: "hint" }, fact)),
    ),
  );
  byId("problem").scrollIntoView({ block: "nearest" });
}

export function showCancelled() {
  byId("problem").replaceChildren(make("p", { role: "status", class: "note" }, say("cancelled")));
}

export function clearProblem() {
  byId("problem").replaceChildren();
}
