// The motion of the last seconds, drawn while it happens.

import { draw } from "./dom.js";
import { say } from "./language.js";
import { ticks } from "./ticks.js";

const SECONDS = 20;
const HEIGHT = 160;
const MARGIN = { left: 40, right: 14, top: 30, bottom: 40 };
const TOPS_PX = [0.5, 1, 2, 4, 8]; // the first one keeps noise small on a curve without motion
const GAP_S = 1; // over which no line is drawn

/** A curve that moves on with each frame. */
export class LiveChart {
  constructor() {
    Object.assign(this, { points: [], due: false });
    this.grid = draw("g", { class: "grid", "aria-hidden": "true" });
    this.line = draw("path", { class: "curve" });
    this.svg = draw(
      "svg",
      { role: "img", "aria-label": say("liveCurve", { seconds: SECONDS }), height: HEIGHT },
      this.grid,
      this.line,
    );
    new ResizeObserver(() => this.#draw()).observe(this.svg);
  }

  /** Adds the motion of a frame; null leaves a gap. */
  add(time, motion) {
    this.points.push([time, motion]);
    while (this.points[0][0] < time - SECONDS) this.points.shift();
    if (this.due) return;
    this.due = true; // once for each picture of the screen
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.due = false;
    this.width = this.svg.clientWidth;
    if (!this.width) return;
    this.end = Math.max(SECONDS, Math.ceil(this.points.at(-1)?.[0] ?? 0));
    const highest = this.points.reduce((most, [, motion]) => Math.max(most, motion ?? 0), 0);
    this.top = TOPS_PX.find((top) => top >= highest) ?? highest;
    this.line.setAttribute("d", this.#path());
    this.#drawAxes();
  }

  /** Draws the axes, at most once a second: their text takes longer than the curve. */
  #drawAxes() {
    const drawn = [this.end, this.top, this.width].join(" ");
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.grid.replaceChildren(...this.#axes());
  }

  #path() {
    let last = -Infinity;
    return this.points
      .filter(([, motion]) => motion !== null)
      .map(([time, motion]) => {
        const step = time - last > GAP_S ? "M" : "L";
        last = time;
        return `${step}${this.#x(time).toFixed(1)} ${this.#y(motion).toFixed(1)}`;
      })
      .join("");
  }

  #x(time) {
    const inner = this.width - MARGIN.left - MARGIN.right;
    return MARGIN.left + ((time - this.end + SECONDS) / SECONDS) * inner;
  }

  #y(motion) {
    return HEIGHT - MARGIN.bottom - (motion / this.top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  }

  #axes() {
    const [left, right, ground] = [MARGIN.left, this.width - MARGIN.right, this.#y(0)];
    const rows = ticks(0, this.top, 3).flatMap((value) => [
      draw("line", { x1: left, x2: right, y1: this.#y(value), y2: this.#y(value) }),
      draw("text", { x: left - 6, y: this.#y(value) + 4, "text-anchor": "end" }, String(value)),
    ]);
    const columns = ticks(this.end - SECONDS, this.end).map((value) =>
      draw("text", { x: this.#x(value), y: ground + 16, "text-anchor": "middle" }, String(value)),
    );
    return [
      ...rows,
      ...columns,
      draw("text", { x: right, y: HEIGHT - 6, "text-anchor": "end" }, say("timeAxis")),
      draw("text", { x: 2, y: 12 }, say("motionAxis")),
    ];
  }
}
