// What a set of files is: pictures in natural order, pairs, clips.

import { Problem } from "./problem.js";

const ORDER = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const MOMENT = /(onset|apex)/i;

/** Sorts files by name, numbers by their value: `img46` before `img105`. */
function inOrder(files) {
  return [...files].sort((a, b) => ORDER.compare(a.name, b.name));
}

/** Whether a file is a still picture; a GIF is a clip. */
export function isPicture({ name, type }) {
  if (/^image\/gif$/.test(type)) return false;
  return type.startsWith("image/") || /\.(png|jpe?g|webp|bmp|tiff?)$/i.test(name);
}

/**
 * Returns what files are, as `{kind, items}`: one or two pictures are `frames`; more of them are
 * pairs if their names say so; other files are clips. Throws Problem if they do not go together.
 */
export function sort(files) {
  const ordered = inOrder(files);
  const pictures = ordered.filter(isPicture);
  if (pictures.length === 0) return { kind: "clip", items: ordered };
  if (pictures.length < ordered.length) throw refusal("mixed_files", ordered);
  if (pictures.length <= 2) return { kind: "frames", items: sortPair(pictures) };
  return { kind: "pairs", items: pairs(pictures) };
}

/** Puts the onset first if the names say which it is; otherwise the order is that of the names. */
function sortPair([first, second]) {
  if (second === undefined) return [first];
  const says = (word, file) => new RegExp(word, "i").test(file.name);
  const swapped =
    (says("onset", second) && !says("onset", first)) ||
    (says("apex", first) && !says("apex", second));
  return swapped ? [second, first] : [first, second];
}

/** Returns `{name, onset, apex}` for names that differ only in these words. */
function pairs(pictures) {
  const found = new Map();
  for (const file of pictures) {
    const moment = MOMENT.exec(file.name)?.[1].toLowerCase();
    const name = file.name.replace(MOMENT, "").replace(/[-_ .]*\.\w+$|^[-_ .]+/g, "");
    found.set(name, { name, ...found.get(name), [moment]: file });
  }
  const all = [...found.values()];
  const complete = all.every(({ onset, apex }) => onset && apex);
  if (!complete || 2 * all.length !== pictures.length) throw refusal("too_many_files", pictures);
  return all;
}

function refusal(code, files) {
  const names = files.map(({ name }) => name);
  const shown = names.length > 4 ? [...names.slice(0, 3), "…", names.at(-1)] : names;
  return new Problem({ code, values: { count: names.length, names: shown.join(", ") } });
}
