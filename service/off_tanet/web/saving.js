// The buttons that save an answer as JSON, CSV, PNG and PDF. Everything is made in the browser from
// the answer that is shown: nothing is sent again.

import { csv, json } from "./data.js";
import { make, save } from "./dom.js";
import { say } from "./language.js";
import { CanvasPages } from "./canvas_pages.js";
import { PdfPages } from "./pdf_pages.js";

/**
 * Returns a row of buttons. `answer()` returns what the service sent, `rows()` its rows, and
 * `draw(pages)` draws its report; `all` tells a list from one answer.
 */
export function saveButtons(name, { answer, rows, draw, all = false }) {
  const stem = `off-tanet ${name.replace(/\.\w+$/, "")}`.replace(/[^\p{L}\p{N}_-]+/gu, "-");
  const makers = {
    JSON: async () => new Blob([json(answer())], { type: "application/json" }),
    CSV: async () => new Blob(["\uFEFF", csv(rows())], { type: "text/csv" }),
    ...(draw
      ? {
          PNG: () => drawn(new CanvasPages(), draw),
          PDF: () => drawn(new PdfPages(say("reportTitle")), draw),
        }
      : {}),
  };
  const buttons = Object.entries(makers).map(([format, create]) => {
    const onclick = async () => save(await create(), `${stem}.${format.toLowerCase()}`);
    return make(
      "button",
      { type: "button", "aria-label": say(all ? "saveAllAs" : "saveAs", { format }), onclick },
      format,
    );
  });
  return make(
    "p",
    { class: "saving" },
    make("span", {}, say(all ? "saveAll" : "save")),
    ...buttons,
  );
}

async function drawn(pages, draw) {
  await draw(pages);
  return pages.blob();
}
