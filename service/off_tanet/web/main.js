// The page: sends requests, and shows their progress, results and problems.

import { byId, make, save } from "./dom.js";
import { ExpressionList } from "./expressions.js";
import { PredictionView } from "./prediction.js";
import { Problem, model, submit } from "./service.js";
import { Sources } from "./sources.js";
import * as words from "./words.js";

const sources = new Sources(byId("ask"));
let running = null; // the AbortController of the current request

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(start);
});
byId("ask").addEventListener("problem", ({ detail }) => showProblem(detail));
byId("sample").addEventListener("click", () =>
  attempt(async () => {
    await sources.takeSample();
    await start();
  }),
);
byId("cancel").addEventListener("click", () => running.abort());
showModel();

/** Sends what is chosen, and replaces the previous result. */
async function start() {
  const request = sources.request();
  byId("result").replaceChildren();
  byId("expressions").replaceChildren();
  if (request.kind === "video") await spot(request);
  else await predict(request);
}

async function predict(request) {
  const view = predictionView(request);
  for await (const { name, data } of steps(request)) {
    if (name === "prediction") view.show(data, request);
  }
  byId("result").replaceChildren(view.element);
  view.focus();
}

async function spot(request) {
  const list = new ExpressionList((expression) => {
    const view = new PredictionView(); // without markers: an expression cannot be analysed again
    view.show(expression, request);
    byId("result").replaceChildren(view.element);
  });
  byId("expressions").replaceChildren(list.element);
  for await (const { name, data } of steps(request)) {
    if (name === "expression") list.add(data);
    if (name === "spotting") list.finish(data);
  }
}

/** A view that repeats the request when a marker is moved. */
function predictionView(request) {
  const view = new PredictionView({
    onMove: ({ onset, apex }) =>
      attempt(async () => {
        request.fields = { onset_index: String(onset), apex_index: String(apex) };
        for await (const { name, data } of steps(request)) {
          if (name === "prediction") view.show(data, request);
        }
      }),
    onReport: () =>
      attempt(async () => {
        for await (const { name, data } of steps({ ...request, include: ["report"] })) {
          if (name === "prediction") await saveReport(data);
        }
      }),
  });
  return view;
}

async function saveReport({ id, report }) {
  const [, data] = report.split(",");
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  save(new Blob([bytes], { type: "image/png" }), `off-tanet-${id}.png`);
}

/** Yields the events of a request and shows its progress; aborts the previous request. */
async function* steps(request) {
  running?.abort();
  const own = (running = new AbortController());
  progress("Sending");
  try {
    for await (const event of submit(request, sources.key, own.signal)) {
      if (event.name === "progress") progress(words.stage(event.data.stage), event.data);
      yield event;
    }
  } finally {
    if (running === own) {
      running = null;
      byId("progress").hidden = true;
    }
  }
}

function progress(stage, { done, total } = {}) {
  if (byId("progress").hidden) {
    byId("progress").hidden = false;
    byId("progress").scrollIntoView({ block: "nearest" });
  }
  if (byId("stage").textContent !== stage) byId("stage").textContent = stage;
  byId("count").textContent = total > 1 ? `${done} of ${total}` : "";
  if (total > 1) Object.assign(byId("bar"), { max: total, value: done });
  else byId("bar").removeAttribute("value");
}

/** Runs `work`, and shows a problem if it fails. */
async function attempt(work) {
  byId("problem").replaceChildren();
  try {
    await work();
  } catch (error) {
    if (error.name !== "AbortError") showProblem(error);
    else if (running === null) showProblem(new Problem({ code: "cancelled" }));
  }
}

function showProblem(error) {
  const { code = "page", detail, requestId, retryAfter } = error;
  const { title, advice } = words.problem(code);
  const wait = retryAfter ? ` Please wait ${retryAfter} s.` : "";
  const facts = [
    detail ? make("p", { class: "hint" }, `The service says: ${detail}`) : "",
    requestId ? make("p", { class: "hint" }, "Request ", make("code", {}, requestId)) : "",
  ];
  byId("problem").replaceChildren(
    make(
      "div",
      { role: "alert", class: "problem" },
      make("h2", {}, title),
      make("p", {}, advice + wait),
      ...facts,
    ),
  );
  byId("problem").scrollIntoView({ block: "nearest" });
  if (code === "unauthorized") sources.askForKey();
  if (!(error instanceof Problem)) console.error(error);
}

/** Shows the name of the model, unless the service requires a key for it. */
async function showModel() {
  try {
    const { name, version, licence, training_data: data } = await model(sources.key);
    byId("model").textContent = `Model ${name} ${version}, ${licence}, trained on ${data}.`;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}
