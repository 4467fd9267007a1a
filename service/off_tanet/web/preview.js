// A small picture of a chosen file, if the browser can decode it.

import { make } from "./dom.js";
import { isPicture } from "./files.js";

/** Shows the files of a field; `onLength(file, seconds)` is called for a clip or video. */
export function showPreview(input, onLength) {
  removePreview(input);
  const [file] = input.files;
  if (!file) return;
  const source = URL.createObjectURL(file);
  const done = () => URL.revokeObjectURL(source);
  const still = isPicture(file);
  const view = still
    ? make("img", { class: "preview", alt: "", src: source })
    : make("video", {
        class: "preview",
        "aria-hidden": "true",
        src: source,
        preload: "metadata",
        muted: true,
      });
  view.addEventListener("loadedmetadata", () => onLength(file, view.duration));
  view.addEventListener(still ? "load" : "loadeddata", done);
  view.addEventListener("error", () => {
    done();
    view.remove();
  });
  input.closest(".drop").append(view);
}

export function removePreview(input) {
  input.closest(".drop").querySelector(".preview")?.remove();
}
