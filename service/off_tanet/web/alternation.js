// Shows onset and apex in one place in turn: motion below a pixel becomes visible.

import { make } from "./dom.js";
import { say } from "./language.js";

const INTERVAL_MS = 500; // two changes a second, below the rates that may trigger seizures

/** A button that alternates the first two pictures of `figures`. */
export class Alternation {
  constructor(figures) {
    this.figures = figures;
    const onclick = () => (this.timer ? this.stop() : this.#start());
    this.button = make(
      "button",
      { type: "button", "aria-pressed": "false", onclick },
      say("alternate"),
    );
    this.element = make("p", {}, this.button);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.setAttribute("aria-pressed", "false");
    this.figures.querySelector(".cover")?.remove();
  }

  #start() {
    const [onset, apex] = this.figures.querySelectorAll(".face .picture");
    const cover = apex.querySelector("img").cloneNode();
    cover.className = "cover";
    onset.append(cover);
    this.button.setAttribute("aria-pressed", "true");
    this.timer = setInterval(() => {
      if (!onset.isConnected) return this.stop();
      cover.hidden = !cover.hidden;
    }, INTERVAL_MS);
  }
}
