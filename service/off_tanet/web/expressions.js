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
    const { onset, offset, label, kind, confidence } = expression;
    const parts = [
      make("span", { class: "when" }, `${clock(onset.time_s)} to ${clock(offset.time_s)}`),
      make("span", { class: "kind" }, `${kind}, confidence ${confidence.toFixed(2)}`),
    ];
    if (label === undefined) {
      // macro-expressions have no class
      this.items.append(make("li", {}, make("span", { class: "entry" }, ...parts)));
    } else {
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
    }
    this.#showCount("so far");
  }

  /** Completes the list with the summary and the warnings of a `spotting`. */
  finish({ video, warnings }) {
    this.#showCount(`in ${video.seconds.toFixed(1)} s of video`);
    this.items.before(...warningBox(warnings));
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

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}
