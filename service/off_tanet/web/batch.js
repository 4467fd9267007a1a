// Several files: a table that fills as answers come, and that can be sorted.

import { row } from "./data.js";
import { make } from "./dom.js";
import { say } from "./language.js";
import { saveButtons } from "./saving.js";
import { moment, problem, verdict, warning } from "./words.js";

const COLUMNS = ["file", "label", "when", "warningsColumn"];
const COLUMNS_OF_PAIRS = COLUMNS.filter((name) => name !== "when"); // two pictures have no times
const ORDER = new Intl.Collator(undefined, { numeric: true });

/** A table of requests; `onChoose(answer, request)` is called with the selected one. */
export class BatchTable {
  constructor(requests, onChoose) {
    this.onChoose = onChoose;
    this.columns = requests[0].kind === "frames" ? COLUMNS_OF_PAIRS : COLUMNS;
    this.entries = requests.map((request) => entryOf(request, this.columns));
    this.count = make("p", { role: "status" });
    this.body = make("tbody", {}, ...this.entries.map(({ element }) => element));
    this.heads = this.columns.map((name) => this.#head(name));
    this.saving = make("div");
    const head = make("thead", {}, make("tr", {}, ...this.heads));
    this.element = make(
      "section",
      { class: "block", "aria-label": say("batch") },
      make("h2", { tabindex: "-1" }, say("batch")),
      this.count,
      this.saving,
      make(
        "div",
        { class: "wide", tabindex: "0", role: "group", "aria-label": say("batch") },
        make("table", { class: "batch" }, head, this.body),
      ),
    );
    this.#showCount();
  }

  work(request) {
    this.#find(request).show({ label: say("working") });
  }

  answer(request, answer) {
    const entry = this.#find(request);
    const onclick = () => this.onChoose(answer, request);
    const { name } = request;
    entry.answer = answer;
    entry.name.replaceChildren(
      make(
        "button",
        { type: "button", class: "link", "aria-label": say("showFile", { name }), onclick },
        name,
      ),
    );
    entry.show({
      label: verdict(answer),
      when: `${moment(answer.onset)} – ${moment(answer.apex)}`,
      warningsColumn: answer.quality.warnings.map(warning).join(" "),
    });
    this.#finish(entry);
  }

  fail(request, { code }) {
    const { title, advice } = problem(code);
    const entry = this.#find(request);
    entry.show({ label: title, warningsColumn: advice });
    this.#finish(entry);
  }

  #find(request) {
    return this.entries.find((entry) => entry.request === request);
  }

  #finish(entry) {
    entry.finished = true;
    this.#showCount();
    const answered = () => this.entries.filter(({ answer }) => answer);
    if (!answered().length || this.saving.childElementCount) return;
    const buttons = saveButtons(say("batch"), {
      answer: () => answered().map(({ request, answer }) => ({ file: request.name, ...answer })),
      rows: () => answered().map(({ request, answer }) => row(request.name, answer)),
      all: true,
    });
    this.saving.append(buttons);
  }

  #showCount() {
    const done = this.entries.filter(({ finished }) => finished).length;
    this.count.textContent = say("batchCount", { done, total: this.entries.length });
  }

  #head(name) {
    const column = this.columns.indexOf(name);
    const onclick = () => this.#sort(column, head);
    const label = say("sortBy", { column: say(name) });
    const button = make(
      "button",
      { type: "button", class: "link", "aria-label": label, onclick },
      say(name),
    );
    const head = make("th", { scope: "col" }, button);
    return head;
  }

  #sort(column, head) {
    const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    this.heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
    const text = ({ element }) => element.children[column].textContent;
    const sorted = this.entries.toSorted((a, b) => way * ORDER.compare(text(a), text(b)));
    this.body.append(...sorted.map(({ element }) => element));
  }
}

/** A row; `show({label, …})` fills its cells by the names of their columns. */
function entryOf(request, columns) {
  const name = make("th", { scope: "row" }, request.name);
  const cells = columns.slice(1).map((column) => [column, make("td")]);
  const show = (texts) => {
    cells.forEach(([column, cell]) => (cell.textContent = texts[column] ?? ""));
  };
  show({ label: say("waiting") });
  const element = make("tr", {}, name, ...cells.map(([, cell]) => cell));
  return { request, name, element, show, answer: null, finished: false };
}
