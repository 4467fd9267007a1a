// What reports are made of: text in rows, bars, charts. Places are in points; `y` grows downwards.

import { say, texts } from "./language.js";
import { ticks } from "./ticks.js";

export const LEFT = 29;
export const WIDTH = 537;
export const BOTTOM = 813;
export const COLOURS = {
  ink: "#333333",
  quiet: "#696969",
  pale: "#aaaaaa",
  rail: "#e0e0e0",
  blue: "#0072b2",
  onset: "#009e73",
  apex: "#d55e00",
  offset: "#cc79a7",
  speech: "#f0e442",
  blink: "#56b4e9",
};

/** Writes a text that ends at `right`. */
export function textToRight(pages, right, y, text, style) {
  pages.text(right - pages.measure(text, style.size, style.weight), y, text, style);
}

/** Writes a paragraph in rows and returns the y below it. */
export function paragraph(pages, y, text, { size = 9, color = COLOURS.ink } = {}) {
  let line = "";
  const rows = [];
  for (const word of text.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (pages.measure(longer, size) > WIDTH) {
      rows.push(line);
      line = word;
    } else line = longer;
  }
  const step = 1.5 * size;
  [...rows, line].forEach((row, at) =>
    pages.text(LEFT, y + size + step * at, row, { size, color }),
  );
  return y + step * (rows.length + 1) + 4;
}

/** Writes the head of a report and returns the y below it. */
export function head(pages, { title, model, name, lines }) {
  pages.text(LEFT, 45, title, { size: 17, weight: 600, color: COLOURS.ink });
  const style = { size: 9, color: COLOURS.quiet };
  textToRight(pages, LEFT + WIDTH, 44, `${model.name} ${model.version}`, style);
  let y = 60;
  for (const line of [...lines, say("reportFile", { name: shortened(name) })]) {
    pages.text(LEFT, y, line, style);
    y += 13;
  }
  return y + 4;
}

/** Leaves out the middle of a name that is wider than a page. */
function shortened(name) {
  return name.length > 90 ? `${name.slice(0, 44)} … ${name.slice(-44)}` : name;
}

/** Writes the limits of use and returns the y below. */
export function note(pages, y) {
  return paragraph(pages, y, `${texts.page.note} ${texts.page.law}`, {
    size: 8,
    color: COLOURS.quiet,
  });
}

/** Draws a curve with axes; returns functions from time and strength to places. */
export function chart(pages, top, height, { times_s: times, strength_px: strengths }, end = null) {
  const [left, right, ground] = [LEFT + 26, LEFT + WIDTH, top + height - 16];
  const last = Math.max(end ?? times.at(-1), times[0] + 1e-3);
  const first = end === null ? times[0] : 0;
  const highest = 1.1 * strengths.reduce((most, each) => Math.max(most, each), 0.25);
  const x = (time) => left + ((time - first) / (last - first)) * (right - left);
  const y = (strength) => ground - (strength / highest) * (ground - top - 14);
  const style = { size: 8, color: COLOURS.quiet };
  for (const value of ticks(0, highest)) {
    pages.line(
      [
        [left, y(value)],
        [right, y(value)],
      ],
      COLOURS.rail,
      0.6,
    );
    textToRight(pages, left - 4, y(value) + 3, String(value), style);
  }
  for (const value of ticks(first, last, 6)) {
    const text = String(value);
    pages.text(x(value) - pages.measure(text, 8) / 2, ground + 11, text, style);
  }
  pages.text(LEFT, top + 7, say("motionAxis"), style);
  textToRight(pages, right, top + 7, say("timeAxis"), style);
  pages.line(
    times.map((time, index) => [x(time), y(strengths[index])]),
    COLOURS.blue,
    1.4,
  );
  return { x, y, ground, top: top + 14 };
}
