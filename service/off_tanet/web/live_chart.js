// The motion of the last seconds, drawn while it happens.

import { draw } from "./dom.js";
import { say } from "./language.js";
import { Plane } from "./plane.js";

const SECONDS = 20;
const HEIGHT = 160;
const TOPS_PX = [0.5, 1, 2, 4, 8]; // the first one keeps noise small on a curve without motion
const GAP_S = 1; // over which no line is drawn

/** A curve that moves on with each frame. */
export class LiveChart {
  constructor() {
    Object.assign(this, { points: [], due: false, plane: new Plane(HEIGHT) });
    this.plane.span = SECONDS;
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
    const { plane } = this;
    plane.width = this.svg.clientWidth;
    if (!plane.width) return;
    plane.start = Math.max(0, Math.ceil(this.points.at(-1)?.[0] ?? 0) - SECONDS);
    const highest = this.points.reduce((most, [, motion]) => Math.max(most, motion ?? 0), 0);
    plane.top = TOPS_PX.find((top) => top >= highest) ?? highest;
    this.line.setAttribute("d", this.#path());
    this.#drawAxes();
  }

  /** Draws the axes, at most once a second: their text takes longer than the curve. */
  #drawAxes() {
    const { start, top, width } = this.plane;
    const drawn = [start, top, width].join(" ");
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.grid.replaceChildren(...this.plane.axes(3));
  }

  #path() {
    let last = -Infinity;
    return this.points
      .filter(([, motion]) => motion !== null)
      .map(([time, motion]) => {
        const step = time - last > GAP_S ? "M" : "L";
        last = time;
        return `${step}${this.plane.x(time).toFixed(1)} ${this.plane.y(motion).toFixed(1)}`;
      })
      .join("");
  }
}
