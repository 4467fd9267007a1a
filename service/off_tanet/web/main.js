// The page: sends requests, and shows their progress, results and problems.

import { BatchTable } from "./batch.js";
import { row } from "./data.js";
import { byId, make } from "./dom.js";
import { examples } from "./examples.js";
import { ExpressionList } from "./expressions.js";
import { say, translatePage } from "./language.js";
import { stream } from "./live_stream.js";
import { LiveView } from "./live_view.js";
import { PredictionView } from "./prediction.js";
import { Problem } from "./problem.js";
import { clearProblem, showCancelled, showProblem } from "./problem_view.js";
import { hideProgress, showProgress } from "./progress.js";
import { drawReport } from "./report.js";
import { saveButtons } from "./saving.js";
import { facts, model, submit } from "./service.js";
import { Sources } from "./sources.js";

translatePage();
const sources = new Sources(byId("ask"));
const panels = new Map(); // the results of each kind of input; they stay until its files change
let running = null; // the AbortController of the current request

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(start);
});
sources.addEventListener("problem", ({ detail }) => report(detail));
sources.addEventListener("kind", () => {
  clearProblem();
  showPanel();
});
sources.addEventListener("material", () => {
  running?.abort();
  clearProblem();
  panels.delete(sources.kind); // no result stays beside new material
  showPanel();
});
sources.addEventListener("live", ({ detail: { view, stop, done } }) => {
  attempt(() => watch(view, stop)).then(done);
});
byId("cancel").addEventListener("click", () => {
  running.abort();
  showCancelled();
});
showPanel();
showService();

/** Shows the results of the chosen kind of input, or examples. */
function showPanel() {
  const { kind } = sources;
  if (!panels.has(kind))
    panels.set(kind, make("div", { class: "panel" }, examples(kind, tryExample)));
  byId("panel").replaceChildren(panels.get(kind));
}

function tryExample(files) {
  sources.take(files);
  return attempt(start);
}

/** Sends what is chosen, and replaces the previous result. */
async function start() {
  const requests = sources.requests();
  const panel = panels.get(sources.kind);
  panel.replaceChildren();
  byId("answer").scrollIntoView({ block: "nearest" });
  if (requests.length > 1) await predictAll(requests, panel);
  else if (requests[0].kind === "video") await spot(requests[0], panel);
  else await predict(requests[0], panel);
}

async function predict(request, panel) {
  const view = predictionView(request);
  for await (const { name, data } of steps(request)) {
    if (name === "prediction") view.show(data, request);
  }
  panel.replaceChildren(view.element);
  view.focus();
}

async function predictAll(requests, panel) {
  const detail = make("div");
  const table = new BatchTable(requests, (answer, request) => {
    const view = predictionView(request);
    view.show(answer, request);
    detail.replaceChildren(view.element);
    view.focus();
  });
  panel.replaceChildren(table.element, detail);
  for (const request of requests) {
    table.work(request);
    try {
      for await (const { name, data } of steps(request)) {
        if (name === "prediction") table.answer(request, data);
      }
    } catch (error) {
      if (!(error instanceof Problem) || error.code === "unauthorized") throw error;
      table.fail(request, error);
    }
  }
}

async function spot(request, panel) {
  const detail = make("div");
  const list = new ExpressionList(request, (expression) =>
    showExpression(detail, expression, request),
  );
  panel.replaceChildren(list.element, detail);
  for await (const { name, data } of steps(request)) {
    if (name === "expression") list.add(data);
    if (name === "spotting") list.finish(data);
  }
}

/** Shows a live stream of the camera until it is stopped. */
async function watch(video, stop) {
  running?.abort();
  const panel = panels.get("camera");
  const detail = make("div");
  const request = { kind: "live", name: say("liveName"), files: {} };
  const view = new LiveView(request, (expression) => showExpression(detail, expression, request));
  panel.replaceChildren(view.element, detail);
  try {
    for await (const event of stream(video, sources.live, stop)) view.show(event);
  } finally {
    view.end();
  }
}

/** Shows an expression of a video, which cannot be analysed again. */
function showExpression(host, expression, request) {
  const view = new PredictionView({ saving: savingOf(request) });
  view.show(expression, request);
  host.replaceChildren(view.element);
}

/** A view that repeats the request when a marker is moved. */
function predictionView(request) {
  const view = new PredictionView({
    saving: savingOf(request),
    onMove: ({ onset, apex }) =>
      attempt(async () => {
        request.fields = { onset_index: String(onset), apex_index: String(apex) };
        for await (const { name, data } of steps(request)) {
          if (name === "prediction") view.show(data, request);
        }
      }),
  });
  return view;
}

function savingOf(request) {
  return (answer) => [
    saveButtons(request.name, {
      answer: () => answer,
      rows: () => [row(request.name, answer)],
      draw: (pages) => drawReport(pages, answer, request),
    }),
  ];
}

/** Yields the events of a request and shows its progress; aborts the previous request. */
async function* steps(request) {
  running?.abort();
  const own = (running = new AbortController());
  showProgress();
  try {
    for await (const event of submit(request, sources.key, own.signal)) {
      if (event.name === "progress") showProgress(event.data);
      yield event;
    }
  } finally {
    if (running === own) {
      running = null;
      hideProgress();
    }
  }
}

/** Runs `work`, and shows a problem if it fails. */
async function attempt(work) {
  clearProblem();
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") report(error);
  }
}

function report(error) {
  showProblem(error);
  if (error.code === "unauthorized") sources.askForKey();
  if (!(error instanceof Problem)) console.error(error);
}

/** Shows the limits of the service, and its model unless a key is required for it. */
async function showService() {
  const known = await facts();
  sources.showFacts(known);
  byId("docs").hidden = !known.docs;
  if (known.key_required) return;
  try {
    const { name, version, licence, training_data: data } = await model(sources.key);
    byId("model").textContent = say("model", { name, version, licence, data });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}
