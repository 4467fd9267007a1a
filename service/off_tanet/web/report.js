// The report of one answer, as `off-tanet` draws it, on one page.

import { pictures } from "./figures.js";
import { say } from "./language.js";
import { MARKS } from "./marks.js";
import { COLOURS, LEFT, WIDTH, chart, head, note, paragraph, textToRight } from "./report_parts.js";
import { className, moment, reason, title, warning } from "./words.js";

const GAP = 14;
const COLUMN = (WIDTH - 2 * GAP) / 3;
const PICTURE_SHARE = 768 / 672; // height to width of a map with its legend

/** Draws the report of the answer to `request` on pages. */
export async function drawReport(pages, answer, request) {
  const timed = request.kind !== "frames";
  const span = { onset: moment(answer.onset), apex: moment(answer.apex) };
  const lines = [timed ? say("fromTo", span) : say("fromPictures")];
  let y = head(pages, { title: title(answer), model: answer.model, name: request.name, lines });
  if (answer.label === null) {
    y = paragraph(pages, y, `${reason(answer.reason).text} ${say("conditional")}`);
  }
  y = bars(pages, y, answer);
  y = await drawPictures(pages, y, pictures(answer, timed));
  if (answer.motion) y = curve(pages, y, answer);
  y = paragraph(pages, y, summary(answer));
  note(pages, y);
}

function bars(pages, y, { label, probabilities }) {
  const [start, end] = [LEFT + 64, LEFT + WIDTH - 42];
  const [fill, ink] = label === null ? [COLOURS.pale, COLOURS.quiet] : [COLOURS.blue, COLOURS.ink];
  Object.entries(probabilities).forEach(([name, share], place) => {
    const top = y + 19 * place;
    pages.text(LEFT, top + 10, className(name), { size: 10, color: ink });
    pages.rect(start, top, end - start, 12, COLOURS.rail);
    pages.rect(start, top, share * (end - start), 12, fill);
    textToRight(pages, LEFT + WIDTH, top + 10, share.toFixed(3), { size: 10, color: ink });
  });
  return y + 19 * Object.keys(probabilities).length + 8;
}

/** Draws the pictures in rows of three, with the legends of the service. */
async function drawPictures(pages, top, shown) {
  const images = await Promise.all(shown.map(({ source }) => load(source)));
  let y = top;
  shown.forEach(({ title: name, map, legend }, place) => {
    const column = place % 3;
    if (place && column === 0) y += 18 + COLUMN * PICTURE_SHARE + 6;
    const x = LEFT + column * (COLUMN + GAP);
    pages.text(x, y + 10, name, { size: 10, weight: 600, color: COLOURS.ink });
    pages.image(images[place], x, y + 18, COLUMN, COLUMN * (map ? PICTURE_SHARE : 1));
    if (!map && legend) {
      pages.text(x, y + 30 + COLUMN, legend, { size: 8, color: COLOURS.quiet });
    }
  });
  return shown.length ? y + 18 + COLUMN * PICTURE_SHARE + 10 : y;
}

function curve(pages, y, { motion, onset, apex }) {
  const height = 128;
  const moments = { onset, apex, ...(motion.offset ? { offset: motion.offset } : {}) };
  let x = LEFT;
  for (const name of MARKS.filter((each) => each in moments)) {
    const text = `${say(name)} ${moments[name].time_s.toFixed(3)} s`;
    pages.rect(x, y + 1, 7, 7, COLOURS[name]);
    pages.text(x + 11, y + 8, text, { size: 8, color: COLOURS.ink });
    x += 28 + pages.measure(text, 8);
  }
  const drawn = chart(pages, y + 14, height, motion);
  for (const [name, { index, time_s: time }] of Object.entries(moments)) {
    const at = drawn.x(time);
    pages.line(
      [
        [at, drawn.top],
        [at, drawn.ground],
      ],
      COLOURS[name],
      1.2,
    );
    pages.rect(at - 3, drawn.y(motion.strength_px[index]) - 3, 6, 6, COLOURS[name]);
  }
  return y + height + 24;
}

function summary({ expression_probability: share, quality }) {
  const facts = [
    `${say("expressionProbability")}: ${(100 * share).toFixed(0)}%.`,
    `${say("motionOfExpression")}: ${say("atCrop", { px: quality.motion_px.toFixed(2) })}.`,
    `${say("motionOfHead")}: ${say("atCrop", { px: quality.head_motion_px.toFixed(2) })}.`,
  ];
  return [...facts, ...quality.warnings.map(warning)].join(" ");
}

/** Loads a picture of an answer. */
export async function load(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}
