// The expressions of a long video: player, timeline, and a list that grows while the service works.

import { row } from "./data.js";
import { make } from "./dom.js";
import { say, texts } from "./language.js";
import { warningBox } from "./prediction.js";
import { drawVideoReport } from "./report_video.js";
import { saveButtons } from "./saving.js";
import { Timeline } from "./timeline.js";
import { clock, counted, moment, verdict } from "./words.js";

/** A list of expressions; `onChoose(expression)` is called with the selected one. */
export class ExpressionList {
  constructor(request, onChoose) {
    Object.assign(this, { request, onChoose, expressions: [], buttons: new Map() });
    this.count = make("p", { role: "status" });
    this.after = make("div", { class: "block" });
    this.items = make("ol", { class: "expressions" });
    const { video } = request.files; // a live stream has nothing to play
    this.timeline = new Timeline({
      onSeek: video ? (seconds) => this.#seek(seconds) : null,
      onChoose: (expression) => this.#choose(expression),
    });
    this.player = video ? this.#makePlayer(video) : "";
    this.element = make(
      "section",
      { class: "block", "aria-label": say("expressions") },
      make("h2", { tabindex: "-1" }, say("expressions")),
      this.count,
      this.player,
      this.timeline.svg,
      video ? make("p", { class: "hint" }, say("timelineHint")) : "",
      this.items,
      this.after,
    );
    this.#showCount();
  }

  add(expression) {
    this.expressions.push(expression);
    const button = this.#entry(expression);
    this.buttons.set(expression, button);
    this.items.append(make("li", {}, button));
    if (!this.chosen) this.#choose(expression);
    this.#showCount();
    this.#showTimeline();
  }

  /** Completes the list with the summary, the events and the warnings of a `spotting`. */
  finish(spotting) {
    const { video, warnings, events, motion } = spotting;
    const seconds = video.seconds.toFixed(1);
    const causes = Object.entries(video.unjudged_s).map(
      ([cause, s]) => `${texts.causes[cause]} ${s.toFixed(1)} s`,
    );
    const without = causes.length ? `; ${say("unjudged", { list: causes.join(", ") })}` : "";
    this.count.textContent = say("videoSummary", { found: this.#found(), seconds }) + without;
    const { name } = this.request;
    const saving = saveButtons(name, {
      answer: () => spotting,
      rows: () => spotting.expressions.map((each) => row(name, each)),
      draw: (pages) => drawVideoReport(pages, spotting, name),
      all: true,
    });
    this.count.after(saving, ...warningBox(warnings));
    this.after.replaceChildren(...eventList(events));
    this.#showTimeline({ seconds: video.seconds, events, motion });
  }

  #makePlayer(file) {
    const source = URL.createObjectURL(file);
    const player = make("video", {
      class: "player",
      controls: true,
      playsinline: true,
      src: source,
      "aria-label": say("player"),
    });
    player.muted = true;
    player.addEventListener("loadedmetadata", () => {
      if (Number.isFinite(player.duration)) this.#showTimeline({ seconds: player.duration });
    });
    player.addEventListener("timeupdate", () => this.timeline.play(player.currentTime));
    player.addEventListener("play", () => this.#follow());
    player.addEventListener("error", () => {
      player.replaceWith(make("p", { class: "hint" }, say("playerHint")));
    });
    return player;
  }

  /** Moves the timeline's place with each picture that is drawn. */
  #follow() {
    this.timeline.play(this.player.currentTime);
    if (this.player.paused || !this.player.isConnected) return;
    requestAnimationFrame(() => this.#follow());
  }

  #showTimeline(facts = {}) {
    const { expressions } = this;
    const last = expressions.reduce((most, { offset }) => Math.max(most, offset.time_s), 0);
    const seconds = facts.seconds ?? Math.max(this.timeline.seconds, last);
    this.timeline.show({ ...facts, expressions, seconds });
  }

  #seek(seconds) {
    this.timeline.play(seconds);
    if (this.player.readyState > 0) this.player.currentTime = seconds;
  }

  #entry(expression) {
    const { onset, offset, kind, confidence } = expression;
    const faces = ["onset", "apex"].map((name) => thumbnail(expression, name));
    const level = { kind: texts.kinds[kind], value: confidence.toFixed(2) };
    return make(
      "button",
      { class: "entry", type: "button", onclick: () => this.#choose(expression) },
      make("span", { class: "faces" }, ...faces),
      make("span", { class: "when" }, `${clock(onset.time_s)} – ${clock(offset.time_s)}`),
      make("span", { class: "kind" }, say("confidence", level)),
      make("span", { class: "what" }, verdict(expression)),
    );
  }

  #found() {
    return counted(texts.ui.expressionCount, this.expressions.length);
  }

  #showCount() {
    this.count.textContent = say("expressionsSoFar", { count: this.#found() });
  }

  #choose(expression) {
    for (const [other, button] of this.buttons) {
      if (other === expression) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    this.chosen = expression;
    this.#seek(expression.apex.time_s);
    this.onChoose(expression);
  }
}

function thumbnail(expression, name) {
  const source = expression.crops?.[name];
  const text = say("thumbnail", { moment: moment(expression[name]) });
  return source ? make("img", { src: source, alt: text, width: 40, height: 40 }) : "";
}

/** Blinks, speech, turns of the head, and when no face is found. */
function eventList(events) {
  if (!events.length) return [];
  const lines = events.map(({ kind, start, end }) => {
    const values = { kind: texts.events[kind], from: clock(start.time_s), to: clock(end.time_s) };
    return make("li", {}, say("eventSpan", values));
  });
  const title = make("summary", {}, say("otherEvents", { count: events.length }));
  return [make("details", { class: "events" }, title, make("ol", {}, ...lines))];
}
