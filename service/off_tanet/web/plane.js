// The plane of a curve of motion over time: its scales and its axes.

import { draw } from "./dom.js";
import { say } from "./language.js";
import { ticks } from "./ticks.js";

export const MARGIN = { left: 40, right: 14, top: 30, bottom: 40 };

/** `start` and `span` are in seconds, `top` is in pixels of motion, `width` in those of the page. */
export class Plane {
  constructor(height) {
    this.height = height;
  }

  x(time) {
    const inner = this.width - MARGIN.left - MARGIN.right;
    return MARGIN.left + ((time - this.start) / this.span) * inner;
  }

  y(motion) {
    const inner = this.height - MARGIN.top - MARGIN.bottom;
    return this.height - MARGIN.bottom - (motion / this.top) * inner;
  }

  /** Draws both axes, with at most so many lines of motion. */
  axes(most) {
    const [left, right, ground] = [MARGIN.left, this.width - MARGIN.right, this.y(0)];
    const lines = ticks(0, this.top, most).flatMap((value) => [
      draw("line", { x1: left, x2: right, y1: this.y(value), y2: this.y(value) }),
      draw("text", { x: left - 6, y: this.y(value) + 4, "text-anchor": "end" }, String(value)),
    ]);
    const columns = ticks(this.start, this.start + this.span).map((value) =>
      draw("text", { x: this.x(value), y: ground + 16, "text-anchor": "middle" }, String(value)),
    );
    return [
      ...lines,
      ...columns,
      draw("text", { x: right, y: this.height - 6, "text-anchor": "end" }, say("timeAxis")),
      draw("text", { x: 2, y: 12 }, say("motionAxis")),
    ];
  }
}
