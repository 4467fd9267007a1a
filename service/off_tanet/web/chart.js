// The motion curve, with markers for onset and apex, which can be moved, and offset.

import { draw } from "./dom.js";
import { moment } from "./words.js";

const HEIGHT = 260;
const MARGIN = { left: 44, right: 14, top: 72, bottom: 40 };
const LEAST_TOP_PX = 0.25; // keeps noise small on a curve without motion
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

/** A curve with two movable markers, drawn to the width of `host`. */
export class MotionChart {
  /** `onMove({onset, apex})` is called with the frame indices after a marker was moved. */
  constructor(host, onMove) {
    this.onMove = onMove;
    this.grid = draw("g", { class: "grid", "aria-hidden": "true" });
    this.line = draw("path", { class: "curve" });
    this.offset = draw("g", { class: "mark offset" }, ...mark("offset"));
    this.handles = { onset: this.#handle("onset"), apex: this.#handle("apex") };
    this.svg = draw(
      "svg",
      { role: "group", "aria-label": "Motion curve", height: HEIGHT },
      this.grid,
      this.line,
      this.offset,
      this.handles.onset,
      this.handles.apex,
    );
    this.svg.addEventListener("pointerdown", (event) => this.#drag(event));
    host.replaceChildren(this.svg);
    new ResizeObserver(() => this.data && this.redraw()).observe(host);
  }

  /** Shows the `motion` of an answer; a marker keeps the keyboard focus. */
  show(motion, onset, apex) {
    this.data = motion;
    this.frames = { onset: onset.index, apex: apex.index };
    this.redraw();
  }

  redraw() {
    this.width = this.svg.parentElement.clientWidth;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const { times_s: times, strength_px: strengths, offset } = this.data;
    this.start = times[0];
    this.span = Math.max(times.at(-1) - this.start, 1e-3);
    this.top = 1.15 * Math.max(LEAST_TOP_PX, ...strengths);
    const points = times.map((time, index) => [this.#x(time), this.#y(strengths[index])]);
    this.line.setAttribute("d", `M${points.map((point) => point.join(" ")).join("L")}`);
    this.grid.replaceChildren(...this.#axes());
    this.#place(this.handles.onset, this.frames.onset, 0);
    this.#place(this.handles.apex, this.frames.apex, 1);
    this.offset.toggleAttribute("hidden", offset === null);
    if (offset !== null) this.#place(this.offset, offset.index, 2);
  }

  #x(time) {
    const inner = this.width - MARGIN.left - MARGIN.right;
    return MARGIN.left + ((time - this.start) / this.span) * inner;
  }

  #y(strength) {
    return HEIGHT - MARGIN.bottom - (strength / this.top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  }

  #axes() {
    const [left, right, ground] = [MARGIN.left, this.width - MARGIN.right, this.#y(0)];
    const rows = ticks(0, this.top).flatMap((value) => [
      draw("line", { x1: left, x2: right, y1: this.#y(value), y2: this.#y(value) }),
      draw("text", { x: left - 6, y: this.#y(value) + 4, "text-anchor": "end" }, String(value)),
    ]);
    const columns = ticks(this.start, this.start + this.span).map((value) =>
      draw("text", { x: this.#x(value), y: ground + 16, "text-anchor": "middle" }, String(value)),
    );
    return [
      ...rows,
      ...columns,
      draw("text", { x: right, y: HEIGHT - 6, "text-anchor": "end" }, "time, s"),
      draw("text", { x: 2, y: 12 }, "motion, px at 112 × 112"),
    ];
  }

  #place(group, frame, row) {
    const [time, strength] = [this.data.times_s[frame], this.data.strength_px[frame]];
    const [x, y] = [this.#x(time), this.#y(strength)];
    const [band, line, dot, label] = group.children;
    band.setAttribute("x", x - 12);
    for (const end of ["x1", "x2"]) line.setAttribute(end, x);
    line.setAttribute("y1", 20 + 15 * row);
    dot.setAttribute("d", SHAPES[row](x, y));
    const atLeft = x > this.width / 2;
    label.setAttribute("x", atLeft ? x - 5 : x + 5);
    label.setAttribute("y", 31 + 15 * row);
    label.setAttribute("text-anchor", atLeft ? "end" : "start");
    label.textContent = `${NAMES[row]} ${time.toFixed(3)} s`;
    const text = `${moment({ index: frame, time_s: time })}, ${strength.toFixed(2)} pixels`;
    group.setAttribute("aria-valuenow", frame);
    group.setAttribute("aria-valuetext", text);
    group.setAttribute("aria-valuemin", row === 1 ? this.frames.onset + 1 : 0);
    group.setAttribute(
      "aria-valuemax",
      row === 0 ? this.frames.apex - 1 : this.data.times_s.length - 1,
    );
  }

  #handle(name) {
    const slider = { class: `mark ${name}`, role: "slider", tabindex: "0", "aria-label": name };
    return draw("g", { ...slider, onkeydown: (event) => this.#key(event, name) }, ...mark(name));
  }

  #key(event, name) {
    const { key } = event;
    const frame = this.frames[name];
    const target = { Home: 0, End: Infinity }[key] ?? (key in KEYS ? frame + KEYS[key] : null);
    if (target === null) return;
    event.preventDefault();
    this.#move(name, target);
    clearTimeout(this.timer); // several key presses make one request
    this.timer = setTimeout(() => this.onMove({ ...this.frames }), 400);
  }

  #drag(event) {
    const name = event.target.closest(".onset") ? "onset" : "apex";
    const follow = ({ clientX }) => this.#move(name, this.#frameAt(clientX));
    const stop = new AbortController();
    this.svg.setPointerCapture(event.pointerId);
    this.svg.addEventListener("pointermove", follow, { signal: stop.signal });
    this.svg.addEventListener(
      "lostpointercapture",
      () => {
        stop.abort();
        this.onMove({ ...this.frames });
      },
      { once: true },
    );
    follow(event);
    this.handles[name].focus();
    event.preventDefault();
  }

  #move(name, target) {
    const last = this.data.times_s.length - 1;
    const [least, most] =
      name === "apex" ? [this.frames.onset + 1, last] : [0, this.frames.apex - 1];
    this.frames[name] = Math.min(Math.max(target, least), most);
    this.redraw();
  }

  #frameAt(clientX) {
    const x = clientX - this.svg.getBoundingClientRect().left;
    const distances = this.data.times_s.map((time) => Math.abs(this.#x(time) - x));
    return distances.indexOf(Math.min(...distances));
  }
}

const NAMES = ["onset", "apex", "offset"];
const SHAPES = [
  // distinguishable without their colours
  (x, y) => `M${x - 5} ${y - 5}h10v10h-10z`,
  (x, y) => `M${x - 6} ${y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0z`,
  (x, y) => `M${x} ${y - 7}l7 7l-7 7l-7 -7z`,
];

function mark(name) {
  return [
    draw("rect", { class: "band", width: 24, y: 0, height: HEIGHT - MARGIN.bottom }),
    draw("line", { y2: HEIGHT - MARGIN.bottom }),
    draw("path"),
    draw("text", { "aria-hidden": "true" }, name),
  ];
}

/** Returns about four round numbers from `start` to `end`. */
function ticks(start, end) {
  const rough = (end - start) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const first = Math.ceil(start / step - 1e-9);
  const count = Math.floor(end / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toFixed(9)));
}
