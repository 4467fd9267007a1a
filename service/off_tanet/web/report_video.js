// The report of a long video: its timeline, and the whole list of its expressions.

import { say, texts } from "./language.js";
import { load } from "./report.js";
import { BOTTOM, COLOURS, LEFT, WIDTH, chart, head, note, paragraph } from "./report_parts.js";
import { clock, counted, verdict, warning } from "./words.js";

const MOST_WITH_FACES = 40; // of more, the list has no pictures, so that it stays short
const FACE = 26;
const COLUMNS = { number: 0, when: 82, kind: 190, label: 300, strength: 420 };

/** Draws the report of a spotting with all its expressions on pages. */
export async function drawVideoReport(pages, spotting, name) {
  const { expressions, video, model } = spotting;
  const found = counted(texts.ui.expressionCount, expressions.length);
  const title = say("videoSummary", { found, seconds: video.seconds.toFixed(1) });
  let y = head(pages, { title, model, name, lines: [] });
  y = timeline(pages, y, spotting);
  if (spotting.warnings.length) y = paragraph(pages, y, spotting.warnings.map(warning).join(" "));
  y = await list(pages, y, expressions);
  if (y > BOTTOM - 60) {
    pages.addPage();
    y = LEFT;
  }
  note(pages, y + 8);
}

function timeline(pages, y, { motion, events, expressions, video }) {
  const curve = motion ?? { times_s: [0, video.seconds], strength_px: [0, 0] };
  const { x, ground } = chart(pages, y, 120, curve, video.seconds);
  const style = { size: 8, color: COLOURS.quiet };
  const lanes = {
    expressions: expressions.map(({ onset, offset }) => [onset, offset, COLOURS.apex]),
    speech: spans(events, "speech", COLOURS.offset),
    blink: spans(events, "blink", COLOURS.blink),
  };
  let top = ground + 20;
  for (const [name, marks] of Object.entries(lanes)) {
    pages.text(LEFT, top + 7, texts.ui.lane[name], style);
    top += 12;
    pages.rect(LEFT + 26, top, WIDTH - 26, 6, COLOURS.rail);
    for (const [start, end, colour] of marks) {
      const from = x(start.time_s);
      pages.rect(from, top, Math.max(1.2, x(end.time_s) - from), 6, colour);
    }
    top += 10;
  }
  return top + 8;
}

function spans(events, kind, colour) {
  return events
    .filter((event) => event.kind === kind)
    .map(({ start, end }) => [start, end, colour]);
}

async function list(pages, top, expressions) {
  const withFaces = expressions.length <= MOST_WITH_FACES;
  const step = withFaces ? FACE + 6 : 12.5;
  let y = top;
  for (const [index, expression] of expressions.entries()) {
    if (y + step > BOTTOM) {
      pages.addPage();
      y = LEFT;
    }
    const faces = withFaces && expression.crops ? Object.values(expression.crops) : [];
    const images = await Promise.all(faces.map(load));
    images.forEach((image, place) => {
      pages.image(image, LEFT + 18 + place * (FACE + 3), y, FACE, FACE);
    });
    entry(pages, y + (withFaces ? FACE / 2 + 3 : 9), index + 1, expression);
    y += step;
  }
  return y;
}

function entry(pages, y, number, expression) {
  const { onset, offset, kind, strength_px: strength, label } = expression;
  const style = { size: 9, color: COLOURS.ink };
  const cells = {
    number: String(number),
    when: `${clock(onset.time_s)} – ${clock(offset.time_s)}`,
    kind: texts.kinds[kind],
    label: verdict(expression),
    strength: say("atCrop", { px: strength.toFixed(2) }),
  };
  for (const [name, text] of Object.entries(cells)) {
    const weight = name === "label" && label !== null ? 600 : 400;
    pages.text(LEFT + COLUMNS[name], y, text, { ...style, weight });
  }
}
