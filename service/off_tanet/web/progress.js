// The progress of the current request, and its cancelling.

import { byId } from "./dom.js";
import { say } from "./language.js";
import { stage as stageName } from "./words.js";

/** Shows a stage of the service, and how much of it is done. */
export function showProgress({ stage, done, total } = {}) {
  if (byId("progress").hidden) {
    byId("progress").hidden = false;
    byId("answer").scrollIntoView({ block: "nearest" });
  }
  const text = stage ? stageName(stage) : say("sending");
  if (byId("stage").textContent !== text) byId("stage").textContent = text;
  byId("count").textContent = total > 1 ? say("count", { done, total }) : "";
  if (total > 1) Object.assign(byId("bar"), { max: total, value: done });
  else byId("bar").removeAttribute("value");
}

export function hideProgress() {
  byId("progress").hidden = true;
}
