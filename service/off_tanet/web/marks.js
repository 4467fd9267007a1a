// Onset, apex and offset on a curve: distinguishable without their colours.

import { draw, make } from "./dom.js";

export const MARKS = ["onset", "apex", "offset"];

const SHAPES = {
  onset: (x, y) => `M${x - 5} ${y - 5}h10v10h-10z`,
  apex: (x, y) => `M${x - 6} ${y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z`,
  offset: (x, y) => `M${x} ${y - 7}l7 7l-7 7l-7 -7z`,
};

export function shape(name, x, y) {
  return SHAPES[name](x, y);
}

/** Returns the legend of marks: labels beside a drawing cross none of its lines. */
export function markLegend(labels) {
  const items = Object.entries(labels).map(([name, text]) =>
    make(
      "li",
      { class: name },
      draw(
        "svg",
        { viewBox: "0 0 16 16", "aria-hidden": "true" },
        draw("path", { d: shape(name, 8, 8) }),
      ),
      text,
    ),
  );
  return make("ul", { class: "marks" }, ...items);
}
