// The motion curve, with markers for onset and apex, which can be moved, and offset.

import { draw } from "./dom.js";
import { say } from "./language.js";
import { MARKS, markLegend, shape } from "./marks.js";
import { MARGIN, Plane } from "./plane.js";
import { moment } from "./words.js";

const HEIGHT = 220;
const LEAST_TOP_PX = 0.25; // keeps noise small on a curve without motion
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

/** A curve with two movable markers, drawn to the width of `host`. */
export class MotionChart {
  /** `onMove({onset, apex})` is called with the frame indices after a marker was moved. */
  constructor(host, onMove) {
    Object.assign(this, { onMove, plane: new Plane(HEIGHT) });
    this.grid = draw("g", { class: "grid", "aria-hidden": "true" });
    this.line = draw("path", { class: "curve" });
    this.offset = draw("g", { class: "mark offset" }, ...mark());
    this.labels = markLegend({});
    this.handles = { onset: this.#handle("onset"), apex: this.#handle("apex") };
    this.svg = draw(
      "svg",
      { role: "group", "aria-label": say("curve"), height: HEIGHT },
      this.grid,
      this.line,
      this.offset,
      this.handles.onset,
      this.handles.apex,
    );
    this.svg.addEventListener("pointerdown", (event) => this.#drag(event));
    host.replaceChildren(this.labels, this.svg);
    new ResizeObserver(() => this.data && this.redraw()).observe(host);
  }

  /** Shows the `motion` of an answer; a marker keeps the keyboard focus. */
  show(motion, onset, apex) {
    this.data = motion;
    this.frames = { onset: onset.index, apex: apex.index };
    this.redraw();
  }

  redraw() {
    const { plane } = this;
    plane.width = this.svg.parentElement.clientWidth;
    this.svg.setAttribute("viewBox", `0 0 ${plane.width} ${HEIGHT}`);
    const { times_s: times, strength_px: strengths, offset } = this.data;
    plane.start = times[0];
    plane.span = Math.max(times.at(-1) - plane.start, 1e-3);
    plane.top = 1.1 * Math.max(LEAST_TOP_PX, ...strengths);
    const points = times.map((time, index) => [plane.x(time), plane.y(strengths[index])]);
    this.line.setAttribute("d", `M${points.map((point) => point.join(" ")).join("L")}`);
    this.grid.replaceChildren(...plane.axes());
    this.#place(this.handles.onset, this.frames.onset, "onset");
    this.#place(this.handles.apex, this.frames.apex, "apex");
    this.offset.toggleAttribute("hidden", offset === null);
    if (offset !== null) this.#place(this.offset, offset.index, "offset");
    this.#showLabels(offset);
  }

  #showLabels(offset) {
    const frames = { ...this.frames, ...(offset === null ? {} : { offset: offset.index }) };
    const texts = MARKS.filter((name) => name in frames).map((name) => {
      const time = this.data.times_s[frames[name]].toFixed(3);
      return [name, `${say(name)} ${time} s`];
    });
    const legend = markLegend(Object.fromEntries(texts));
    this.labels.replaceWith(legend);
    this.labels = legend;
  }

  #place(group, frame, name) {
    const [time, strength] = [this.data.times_s[frame], this.data.strength_px[frame]];
    const [x, y] = [this.plane.x(time), this.plane.y(strength)];
    const [band, line, dot] = group.children;
    band.setAttribute("x", x - 12);
    for (const end of ["x1", "x2"]) line.setAttribute(end, x);
    dot.setAttribute("d", shape(name, x, y));
    const at = moment({ index: frame, time_s: time });
    group.setAttribute("aria-valuenow", frame);
    group.setAttribute("aria-valuetext", say("pixels", { moment: at, px: strength.toFixed(2) }));
    group.setAttribute("aria-valuemin", name === "apex" ? this.frames.onset + 1 : 0);
    group.setAttribute(
      "aria-valuemax",
      name === "onset" ? this.frames.apex - 1 : this.data.times_s.length - 1,
    );
  }

  #handle(name) {
    const slider = {
      class: `mark ${name}`,
      role: "slider",
      tabindex: "0",
      "aria-label": say(name),
    };
    return draw("g", { ...slider, onkeydown: (event) => this.#key(event, name) }, ...mark());
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
    const distances = this.data.times_s.map((time) => Math.abs(this.plane.x(time) - x));
    return distances.indexOf(Math.min(...distances));
  }
}

function mark() {
  const [top, ground] = [MARGIN.top - 12, HEIGHT - MARGIN.bottom];
  return [
    draw("rect", { class: "band", width: 24, y: top, height: ground - top }),
    draw("line", { y1: top, y2: ground }),
    draw("path"),
  ];
}
