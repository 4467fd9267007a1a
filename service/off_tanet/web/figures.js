// The pictures of an answer. The legends that the service draws below them are cut off, and drawn
// again as text: they can be read at any width, in both colour schemes and in the page's language.

import { make } from "./dom.js";
import { say, texts } from "./language.js";
import { moment } from "./words.js";

/** Returns what can be shown of an answer as `{name, title, source, text, legend, map}`. */
export function pictures(answer, timed) {
  const { crops, scales, classified, apex } = answer;
  const second = classified.index === apex.index ? say("apexTitle") : say("firstMotion");
  const entries = [
    face("onset", say("onsetTitle"), crops?.onset, timed && answer.onset),
    face("apex", second, crops?.apex, timed && classified),
    map("attention", answer.attention, say("attentionLegend")),
    map("flow", answer.flow, scales && say("flowLegend", { px: scales.flow_px })),
    map("arrows", answer.arrows, scales && say("arrowsLegend", { px: scales.flow_px })),
    map(
      "strain",
      answer.strain,
      scales && say("strainLegend", { percent: percent(scales.strain) }),
    ),
  ];
  return entries.filter(({ source }) => source);
}

/** Returns the element of a picture. */
export function figure({ name, title, source, text, legend, map: isMap }) {
  const key = isMap ? make("span", { class: `key ${name}`, "aria-hidden": "true" }) : "";
  return make(
    "figure",
    { class: isMap ? "map" : "face" },
    make("h3", {}, title),
    make("div", { class: "picture" }, make("img", { src: source, alt: text })),
    make("figcaption", {}, key, legend || ""),
  );
}

function face(name, title, source, at) {
  const legend = at ? moment(at) : "";
  return { name, title, source, legend, text: say("cropAlt", { name: title }), map: false };
}

function map(name, source, legend) {
  return { name, title: say(name), source, legend, text: texts.ui.alt[name], map: true };
}

function percent(share) {
  return Number((100 * share).toFixed(3));
}
