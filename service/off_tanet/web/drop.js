// Dropping files anywhere on the page, with a visible hint while they are above it.

import { byId } from "./dom.js";

/** Calls `onFiles(files, field)` for dropped files; `field` names the input under the pointer. */
export function acceptDrops(onFiles) {
  const curtain = byId("curtain");
  let depth = 0; // dragenter of a child comes before dragleave of its parent
  const show = (change) => {
    depth = Math.max(0, depth + change);
    curtain.hidden = depth === 0;
  };
  addEventListener("dragenter", (event) => {
    if (hasFiles(event)) show(1);
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event)) show(-1);
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return; // text goes into the field it is dropped on
    event.preventDefault();
    show(-depth);
    const files = [...event.dataTransfer.files];
    if (files.length) onFiles(files, event.target.closest?.(".drop")?.querySelector("input").name);
  });
}

function hasFiles({ dataTransfer }) {
  return dataTransfer?.types.includes("Files");
}
