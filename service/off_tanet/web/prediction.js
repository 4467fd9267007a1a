// Shows one prediction; it is updated when a marker is moved.

import { Alternation } from "./alternation.js";
import { MotionChart } from "./chart.js";
import { make } from "./dom.js";
import { figure, pictures } from "./figures.js";
import { say } from "./language.js";
import { snippets } from "./snippets.js";
import { className, moment, reason, title, verdict, warning } from "./words.js";

export class PredictionView {
  /**
   * `onMove({onset, apex})` repeats the request with these frames; `saving(answer)` returns the
   * buttons that save an answer.
   */
  constructor({ onMove = null, saving = () => [] } = {}) {
    Object.assign(this, { onMove, saving });
    this.heading = make("h2", { tabindex: "-1" });
    this.head = make("div", { class: "head" });
    this.plot = make("div", { class: "plot" });
    this.moved = make("p", { class: "moved", role: "status", hidden: true });
    this.curve = make(
      "section",
      { "aria-label": say("motion"), hidden: true },
      make("h3", {}, say("motion")),
      this.plot,
      this.moved,
      make("p", { class: "hint" }, say("curveHint")),
    );
    this.candidates = make("div", { class: "block" });
    this.figures = make("div", { class: "figures" });
    this.alternation = new Alternation(this.figures);
    this.facts = make("div", { class: "block" });
    this.element = make(
      "article",
      {},
      this.heading,
      this.head,
      this.curve,
      this.candidates,
      this.figures,
      this.alternation.element,
      this.facts,
    );
  }

  /** Shows the answer to `request`; the first one can be returned to. */
  show(answer, request) {
    this.first ??= answer;
    const timed = request.kind !== "frames"; // two pictures have no times
    this.heading.textContent = title(answer);
    this.head.replaceChildren(...head(answer, timed), ...this.saving(answer));
    this.candidates.replaceChildren(...candidates(answer.alternatives, this.onMove));
    this.alternation.stop();
    this.figures.replaceChildren(...pictures(answer, timed).map(figure));
    const again = request.kind === "live" ? [] : [snippets(request)]; // a stream is no request
    this.facts.replaceChildren(measurements(answer), ...again);
    this.#showCurve(answer, request);
  }

  focus() {
    this.heading.focus({ preventScroll: true });
    this.heading.scrollIntoView({ block: "nearest" });
  }

  #showCurve(answer, request) {
    this.curve.hidden = !answer.motion || !this.onMove;
    if (this.curve.hidden) return;
    this.chart ??= new MotionChart(this.plot, this.onMove);
    this.chart.show(answer.motion, answer.onset, answer.apex);
    const restore = () => {
      request.fields = {};
      this.show(this.first, request);
      this.focus();
    };
    const back = make("button", { type: "button", onclick: restore }, say("restore"));
    this.moved.hidden = answer === this.first;
    this.moved.replaceChildren(...(this.moved.hidden ? [] : [`${say("moved")} `, back]));
  }
}

function head(answer, timed) {
  const span = { onset: moment(answer.onset), apex: moment(answer.apex) };
  return [
    make("p", { class: "moments" }, timed ? say("fromTo", span) : say("fromPictures")),
    ...(answer.label === null ? [reasonBox(answer.reason)] : []),
    scores(answer),
    ...warningBox(answer.quality.warnings),
  ];
}

/** Returns the bars; grey if they have no meaning. */
function scores({ label, probabilities }) {
  return make(
    "table",
    { class: label === null ? "scores doubtful" : "scores" },
    make("caption", { class: "visually-hidden" }, say("probabilities")),
    make("tbody", {}, ...Object.entries(probabilities).map(bar)),
  );
}

function bar([name, share]) {
  const fill = make("span", { class: "fill" });
  fill.style.inlineSize = `${100 * share}%`;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, className(name)),
    make("td", { class: "track", "aria-hidden": "true" }, make("span", { class: "rail" }, fill)),
    make("td", { class: "number" }, share.toFixed(3)),
  );
}

/** Returns a box that says why no class is named, and what helps. */
function reasonBox(word) {
  const { text, advice } = reason(word);
  return make(
    "div",
    { class: "reason" },
    make("h3", {}, text),
    make("p", {}, advice),
    make("p", { class: "hint" }, say("conditional")),
  );
}

/** Returns a list of other candidates; `choose({onset, apex})` analyses the clip with one. */
function candidates(alternatives, choose) {
  if (!alternatives?.length || !choose) return [];
  const items = alternatives.map((other) => {
    const { onset, apex } = other;
    const onclick = () => choose({ onset: onset.index, apex: apex.index });
    const text = `${verdict(other)}: ${moment(onset)} – ${moment(apex)}`;
    return make("li", {}, make("button", { type: "button", onclick }, text));
  });
  return [
    make("h3", {}, say("candidates")),
    make("p", { class: "hint" }, say("useCandidate")),
    make("ul", { class: "candidates" }, ...items),
  ];
}

/** Returns a box that lists the warnings, or nothing. */
export function warningBox(words) {
  if (!words.length) return [];
  const items = words.map((word) => make("li", {}, warning(word)));
  return [
    make("div", { class: "warnings" }, make("h3", {}, say("warnings")), make("ul", {}, ...items)),
  ];
}

function measurements(answer) {
  const { id, quality, face, timings_ms: timings, model } = answer;
  const [, , width, height] = face?.box.map(Math.round) ?? [];
  const found = face && say("faceFound", { width, height, score: face.score.toFixed(2) });
  const stages = Object.entries(timings)
    .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
    .join(", ");
  const rows = {
    expressionProbability: answer.expression_probability.toFixed(3),
    motionOfExpression: say("atCrop", { px: quality.motion_px.toFixed(3) }),
    motionOfHead: say("atCrop", { px: quality.head_motion_px.toFixed(3) }),
    face: found ?? say("faceSkipped"),
    milliseconds: stages,
    modelName: `${model.name} ${model.version}`,
    prediction: id,
  };
  const list = Object.entries(rows).flatMap(([name, value]) => [
    make("dt", {}, say(name)),
    make("dd", {}, value),
  ]);
  return make("details", {}, make("summary", {}, say("measurements")), make("dl", {}, ...list));
}
