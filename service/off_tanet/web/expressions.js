// The expressions of a long video: a list that grows while the service works.

import { make } from "./dom.js";
import { warningBox } from "./prediction.js";
import { verdict } from "./words.js";

/** A list of expressions; `onChoose(expression)` is called with the selected one. */
export class ExpressionList {
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.items = make("ol", { class: "expressions" });
    this.count = make("p", { role: "status" });
    this.element = make(
      "section",
      { "aria-label": "Expressions" },
      make("h2", { tabindex: "-1" }, "Expressions"),
      this.count,
      this.items,
    );
  }

  add(expression) {
    const { onset, offset, kind, confidence } = expression;
    const parts = [
      make("span", { class: "when" }, `${clock(onset.time_s)} to ${clock(offset.time_s)}`),
      make("span", { class: "kind" }, `${kind}, confidence ${confidence.toFixed(2)}`),
    ];
    const share = make("span", { class: "what" }, verdict(expression));
    const choose = () => this.#choose(button, expression);
    const button = make(
      "button",
      { class: "entry", type: "button", onclick: choose },
      ...parts,
      share,
    );
    this.items.append(make("li", {}, button));
    if (!this.chosen) choose();
    this.#showCount("so far");
  }

  /** Completes the list with the summary and the warnings of a `spotting`. */
  finish({ video, warnings, events }) {
    const unjudged = Object.entries(video.unjudged_s);
    const seconds = unjudged.map(([cause, s]) => `${cause} ${s.toFixed(1)} s`).join(", ");
    const without = seconds && `; not judged: ${seconds}`;
    this.#showCount(`in ${video.seconds.toFixed(1)} s of video${without}`);
    this.items.before(...warningBox(warnings));
    if (events.length) this.items.after(...eventList(events));
  }

  #showCount(when) {
    const found = this.items.children.length;
    const what = found === 1 ? "1 expression" : `${found || "No"} expressions`;
    this.count.textContent = `${what} ${when}`;
  }

  #choose(button, expression) {
    for (const other of this.items.querySelectorAll("[aria-current]")) {
      other.removeAttribute("aria-current");
    }
    button.setAttribute("aria-current", "true");
    this.chosen = expression;
    this.onChoose(expression);
  }
}

/** Blinks, speech, turns of the head, and when no face is found. */
function eventList(events) {
  const lines = events.map(({ kind, start, end }) =>
    make("li", {}, `${clock(start.time_s)} to ${clock(end.time_s)} ${kind}`),
  );
  const title = make("summary", {}, `${events.length} other events`);
  return [make("details", { class: "events" }, title, make("ol", {}, ...lines))];
}

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}
