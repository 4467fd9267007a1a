// The timeline of a long video: motion curve, expressions, speech and blinks, and the player's place.

import { draw } from "./dom.js";
import { say, texts } from "./language.js";
import { ticks } from "./ticks.js";
import { className, clock } from "./words.js";

const CURVE = 90; // height
const LANE = 20;
const LANES = ["expressions", "speech", "blink", "other"];
const LEFT = 82; // of the names of the lanes, which no line crosses
const RIGHT = 8;
const TOP = 16;
const GROUND = TOP + CURVE;
const HEIGHT = GROUND + LANES.length * LANE + 26;
const LEAST_PX = 4; // width of a short event

/**
 * `onSeek(seconds)` follows a click, and is null without a player; `onChoose(expression)` follows a
 * click on an expression.
 */
export class Timeline {
  constructor({ onSeek, onChoose }) {
    Object.assign(this, { onSeek, onChoose, seconds: 0, expressions: [], events: [], time: 0 });
    this.svg = draw("svg", {
      role: "group",
      "aria-label": say("timeline"),
      class: "timeline",
      height: HEIGHT,
      onclick: (event) => this.#seek(event),
    });
    this.head = draw("line", { class: "playhead", y1: TOP, y2: HEIGHT - 24 });
    new ResizeObserver(() => this.#draw()).observe(this.svg);
  }

  /** Shows what is known of the video: `{seconds, expressions, events, motion}`. */
  show(facts) {
    Object.assign(this, facts);
    this.#draw();
  }

  /** Moves the player's place. */
  play(time) {
    this.time = time;
    if (!this.width || !this.seconds) return; // not drawn yet
    const x = this.#x(time);
    this.head.setAttribute("x1", x);
    this.head.setAttribute("x2", x);
  }

  #draw() {
    this.width = this.svg.clientWidth;
    if (!this.width || !this.seconds) return;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const head = this.onSeek ? [this.head] : [];
    const lanes = LANES.flatMap((name, row) => this.#lane(name, row));
    this.svg.replaceChildren(...this.#axis(), ...this.#curve(), ...lanes, ...head);
    this.play(this.time);
  }

  #x(time) {
    return LEFT + (time / this.seconds) * (this.width - LEFT - RIGHT);
  }

  #axis() {
    return ticks(0, this.seconds, Math.max(2, this.width / 110)).map((time) =>
      draw(
        "text",
        { x: this.#x(time), y: HEIGHT - 6, "text-anchor": time === 0 ? "start" : "middle" },
        this.seconds < 120 ? `${time} s` : clock(time).slice(0, -3),
      ),
    );
  }

  #curve() {
    if (!this.motion) return [];
    const { times_s: times, strength_px: strengths } = this.motion;
    const highest = strengths.reduce((most, each) => Math.max(most, each), 0.25);
    const points = times.map((time, index) => {
      const y = GROUND - (strengths[index] / highest) * CURVE;
      return `${this.#x(time).toFixed(1)} ${y.toFixed(1)}`;
    });
    return [
      draw("text", { x: 0, y: 11 }, say("motionAxis")),
      draw("path", { class: "curve", d: `M${points.join("L")}` }),
    ];
  }

  #lane(name, row) {
    const y = GROUND + 4 + row * LANE;
    const marks = name === "expressions" ? this.#expressions(y) : this.#events(name, y);
    const width = this.width - LEFT - RIGHT;
    const lane = draw("rect", { class: "lane", x: LEFT, y: y + 4, width, height: 12 });
    const label = { x: LEFT - 8, y: y + 14, "text-anchor": "end" };
    return [draw("text", label, texts.ui.lane[name]), lane, ...marks];
  }

  #expressions(y) {
    return this.expressions.map((expression) => {
      const { onset, offset, label } = expression;
      const name = label === null ? say("noLabel") : className(label);
      const values = { label: name, from: clock(onset.time_s), to: clock(offset.time_s) };
      const choose = (event) => {
        if (event.type === "keydown" && !["Enter", " "].includes(event.key)) return;
        event.preventDefault();
        event.stopPropagation();
        this.onChoose(expression);
      };
      return draw(
        "rect",
        {
          ...this.#span(onset, offset),
          y: y + 4,
          height: 12,
          class: "event expression",
          role: "button",
          tabindex: "0",
          "aria-label": say("showExpression", values),
          onclick: choose,
          onkeydown: choose,
        },
        draw("title", {}, `${name}, ${values.from} – ${values.to}`),
      );
    });
  }

  #events(name, y) {
    const others = (kind) => (LANES.includes(kind) ? kind : "other");
    return this.events
      .filter(({ kind }) => others(kind) === name)
      .map(({ kind, start, end }) => {
        const values = {
          kind: texts.events[kind],
          from: clock(start.time_s),
          to: clock(end.time_s),
        };
        const box = { ...this.#span(start, end), y: y + 4, height: 12, class: `event ${name}` };
        return draw("rect", box, draw("title", {}, say("eventSpan", values)));
      });
  }

  #span(start, end) {
    const x = this.#x(start.time_s);
    return { x, width: Math.max(LEAST_PX, this.#x(end.time_s) - x) };
  }

  #seek({ clientX }) {
    if (!this.seconds || !this.onSeek) return;
    const x = clientX - this.svg.getBoundingClientRect().left - LEFT;
    const share = Math.min(1, Math.max(0, x / (this.width - LEFT - RIGHT)));
    this.onSeek(share * this.seconds);
  }
}
