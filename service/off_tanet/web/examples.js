// The empty space of the answer: examples that need no file.

import { make } from "./dom.js";
import { say, texts } from "./language.js";
import { sample, sampleAddress } from "./service.js";

const CLASSES = ["positive", "surprise", "negative"];

/** Returns what an empty panel shows; `onTry(files)` is called with an example's files. */
export function examples(kind, onTry) {
  const cards = cardsOf(kind).map(({ title, hint, picture, names }) => {
    const onclick = async () => onTry(await Promise.all(names.map(sample)));
    const image = make("img", { src: sampleAddress(picture), alt: "", width: 160, height: 160 });
    return make(
      "button",
      { type: "button", class: "example", onclick },
      image,
      make("span", {}, title),
      hint ? make("span", { class: "hint" }, hint) : "",
    );
  });
  if (!cards.length) return make("p", { class: "empty" }, say("empty"));
  return make(
    "div",
    { class: "empty" },
    make("p", {}, say("tryOne")),
    make("div", { class: "examples" }, ...cards),
    make("p", { class: "hint" }, say("portrait")),
  );
}

function cardsOf(kind) {
  if (kind === "frames") {
    return CLASSES.map((name) => ({
      title: texts.ui.exampleOf[name],
      hint: say("exampleFrames"),
      picture: `example_${name}.jpg`,
      names: [`${name}_onset.jpg`, `${name}_apex.jpg`],
    }));
  }
  const picture = "example_surprise.jpg";
  if (kind === "clip") return [{ title: say("exampleClip"), picture, names: ["clip.mp4"] }];
  if (kind === "video") return [{ title: say("exampleVideo"), picture, names: ["video.mp4"] }];
  return [];
}
