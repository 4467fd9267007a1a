// What a live stream tells: the state in words, the motion of now, and the expressions so far.

import { make } from "./dom.js";
import { ExpressionList } from "./expressions.js";
import { say } from "./language.js";
import { LiveChart } from "./live_chart.js";
import { warning } from "./words.js";

const STEADY_S = 1; // before a new state is told: a screen reader must not stutter
const RATE_S = 2; // over which frames are counted
const COUNT_S = 0.5; // between two counts
const TOLD = ["turned_head", "occluded", "dark", "backlit"]; // what a person can mend at once

/** Follows the events of a stream; `onChoose(expression)` is called with a selected one. */
export class LiveView {
  constructor(request, onChoose) {
    Object.assign(this, { times: [], counted: -1, state: "", next: { text: "", since: 0 } });
    this.status = make("p", { role: "status" });
    this.numbers = make("p", { class: "hint" });
    this.chart = new LiveChart();
    this.list = new ExpressionList(request, onChoose);
    this.element = make(
      "section",
      { class: "block", "aria-label": say("liveTitle") },
      make("h2", { tabindex: "-1" }, say("liveTitle")),
      this.status,
      make("div", { class: "plot" }, this.chart.svg),
      this.numbers,
      make("p", { class: "hint" }, say("liveHint")),
      this.list.element,
    );
    this.#tell(say("liveStarting"));
  }

  /** Shows one event of a stream. */
  show({ name, data }) {
    if (name === "ready") this.#tell(say("liveLooking"));
    if (name === "frame") this.#frame(data);
    if (name === "expression") this.list.add(data);
    if (name === "spotting") this.list.finish(data);
  }

  /** Notes the end, for whatever reason. */
  end() {
    this.#tell(say("liveEnded"));
  }

  #frame({ time_s: time, motion_px: motion, face, warnings, dropped }) {
    this.chart.add(time, motion);
    this.#follow(time, face ? this.#words(warnings) : say("liveLooking"));
    this.times.push(time);
    while (this.times[0] < time - RATE_S) this.times.shift();
    const span = time - this.times[0];
    if (span === 0 || time - this.counted < COUNT_S) return;
    this.counted = time;
    const fps = Math.round((this.times.length - 1) / span);
    this.numbers.textContent = say("liveNumbers", { fps, dropped });
  }

  #words(warnings) {
    const told = TOLD.find((word) => warnings.includes(word));
    return told ? warning(told) : say("liveFollowing");
  }

  /** Tells a state that has lasted for a while. */
  #follow(time, text) {
    if (text !== this.next.text) this.next = { text, since: time };
    if (time - this.next.since >= STEADY_S) this.#tell(text);
  }

  #tell(text) {
    if (text !== this.state) this.status.textContent = this.state = text;
  }
}
