// Shows one prediction in the template; it is updated when a marker is moved.

import { MotionChart } from "./chart.js";
import { byId, make } from "./dom.js";
import { snippets } from "./snippets.js";
import { moment, reason, verdict, warning } from "./words.js";

const PICTURES = [
  ["flow", "Flow, as colours", "Optical flow from onset to apex in the Middlebury colour wheel"],
  ["arrows", "Flow, as arrows", "The same flow as arrows over the face at the onset"],
  ["strain", "Strain", "How much the skin is stretched, compressed and sheared; brighter means more"],
  ["attention", "Attention", "The network's attention over the face at the apex; brighter means more"],
];
const ALTERNATION_MS = 500; // two changes a second, below the rates that may trigger seizures

export class PredictionView {
  /** `onMove({onset, apex})` repeats the request with these frames; `onReport()` saves a report. */
  constructor({ onMove, onReport } = {}) {
    const part = byId("prediction").content.cloneNode(true);
    this.element = part.querySelector("article");
    this.slots = Object.fromEntries(
      [...part.querySelectorAll("[data-slot]")].map((slot) => [slot.dataset.slot, slot]),
    );
    this.onMove = onMove;
    if (onReport) this.slots.report.addEventListener("click", onReport);
    else this.slots.report.hidden = true;
    this.slots.alternate.addEventListener("click", () => this.#alternate());
  }

  /** Shows the answer to `request`. */
  show(answer, request) {
    const { slots } = this;
    const named = answer.label !== null;
    slots.title.replaceChildren(
      ...(named ? ["Closest class: ", make("strong", {}, answer.label)] : ["No expression to name"]),
    );
    slots.reason.replaceChildren(...(named ? [] : reasonBox(answer.reason)));
    slots.scores.closest("table").classList.toggle("doubtful", !named);
    const timed = request.kind !== "frames"; // two pictures have no times
    slots.moments.textContent = timed
      ? `From ${moment(answer.onset)} to ${moment(answer.apex)}`
      : "From one picture to the other";
    slots.scores.replaceChildren(...Object.entries(answer.probabilities).map(bar));
    slots.warnings.replaceChildren(...warningBox(answer.quality.warnings));
    slots.candidates.replaceChildren(...candidates(answer.alternatives, this.onMove));
    slots.crops.replaceChildren(...crops(answer, timed));
    slots.pictures.replaceChildren(
      ...PICTURES.filter(([name]) => answer[name]).map(([name, title, text]) =>
        figure(answer[name], title, text),
      ),
    );
    slots.measurements.replaceChildren(...measurements(answer));
    const [summary] = slots.request.children;
    slots.request.replaceChildren(summary, ...snippets(request));
    slots.curve.hidden = !answer.motion;
    if (answer.motion) {
      this.chart ??= new MotionChart(slots.plot, this.onMove);
      this.chart.show(answer.motion, answer.onset, answer.apex);
    }
    this.#stopAlternating();
  }

  focus() {
    this.element.querySelector("h2").focus();
  }

  #alternate() {
    if (this.timer) return this.#stopAlternating();
    const [onset, apex] = this.slots.crops.querySelectorAll("figure");
    this.slots.alternate.setAttribute("aria-pressed", "true");
    const cover = apex.querySelector("img").cloneNode();
    cover.className = "cover";
    onset.append(cover);
    this.timer = setInterval(() => {
      if (!onset.isConnected) return this.#stopAlternating();
      cover.hidden = !cover.hidden;
    }, ALTERNATION_MS);
  }

  #stopAlternating() {
    clearInterval(this.timer);
    this.timer = null;
    this.slots.alternate.setAttribute("aria-pressed", "false");
    this.slots.crops.querySelector(".cover")?.remove();
  }
}

function bar([name, share]) {
  const fill = make("span", { class: "fill" });
  fill.style.inlineSize = `${100 * share}%`;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    make("td", { class: "track", "aria-hidden": "true" }, make("span", { class: "rail" }, fill)),
    make("td", { class: "number" }, share.toFixed(3)),
  );
}

/** Returns a box that says why no class is named, and what helps. */
function reasonBox(word) {
  const { text, advice } = reason(word);
  const conditional = "The classes below would apply only if there were an expression.";
  return [
    make(
      "div",
      { class: "reason" },
      make("h3", {}, text),
      make("p", {}, advice),
      make("p", { class: "hint" }, conditional),
    ),
  ];
}

/** Returns a list of other candidates; `choose({onset, apex})` analyses the clip with one. */
function candidates(alternatives, choose) {
  if (!alternatives?.length) return [];
  const items = alternatives.map((other) => {
    const { onset, apex } = other;
    const onclick = () => choose({ onset: onset.index, apex: apex.index });
    const text = `${verdict(other)}, ${moment(onset)} to ${moment(apex)}`;
    return make("li", {}, choose ? make("button", { type: "button", onclick }, text) : text);
  });
  return [make("h3", {}, "Other candidates"), make("ul", { class: "candidates" }, ...items)];
}

/** Returns a box that lists the warnings, or nothing. */
export function warningBox(words) {
  if (!words.length) return [];
  const items = words.map((word) => make("li", {}, warning(word)));
  return [
    make(
      "div",
      { class: "warnings" },
      make("h3", {}, "Warnings"),
      make("ul", {}, ...items),
    ),
  ];
}

function crops({ crops: pictures, ...answer }, timed) {
  const { onset, apex, classified } = answer;
  const second = classified.index === apex.index ? "apex" : "first 1.5 px of motion";
  return [
    [pictures.onset, "onset", onset],
    [pictures.apex, second, classified],
  ].map(([picture, name, at]) => {
    const title = timed ? `${name}, ${moment(at)}` : name;
    return figure(picture, title, `The face at the ${name}, as the model receives it`);
  });
}

function figure(source, title, text) {
  return make("figure", {}, make("img", { src: source, alt: text }), make("figcaption", {}, title));
}

function measurements(answer) {
  const { id, quality, face, timings_ms: timings, model } = answer;
  const [, , width, height] = face?.box.map(Math.round) ?? [];
  const stages = Object.entries(timings)
    .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
    .join(", ");
  const rows = [
    ["Probability of an expression", answer.expression_probability.toFixed(3)],
    ["Motion of the expression", `${quality.motion_px.toFixed(3)} px at 112 × 112`],
    ["Motion of the head", `${quality.head_motion_px.toFixed(3)} px at 112 × 112`],
    [
      "Face",
      face ? `${width} × ${height} pixels, score ${face.score.toFixed(2)}` : "detection skipped",
    ],
    ["Milliseconds", stages],
    ["Model", `${model.name} ${model.version}`],
    ["Prediction", id],
  ];
  return rows.flatMap(([term, value]) => [make("dt", {}, term), make("dd", {}, value)]);
}
