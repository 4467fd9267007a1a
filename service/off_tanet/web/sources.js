// The form: files that are chosen, dropped or recorded, and the request that they make.

import { record } from "./camera.js";
import { byId, make, save } from "./dom.js";
import { Problem, sample } from "./service.js";

const SAMPLES = {
  frames: { onset: "positive_onset.jpg", apex: "positive_apex.jpg" },
  clip: { clip: "clip.mp4" },
  video: { video: "clip.mp4" },
};

/** The state of the form: kind of input, files and options. */
export class Sources {
  constructor(form) {
    this.form = form;
    this.recording = null;
    form.addEventListener("change", ({ target }) => this.#changed(target));
    form.addEventListener("dragover", (event) => event.preventDefault());
    form.addEventListener("drop", (event) => this.#dropped(event));
    byId("record").addEventListener("click", () => this.#record());
    this.#show();
  }

  get kind() {
    return this.form.elements.kind.value;
  }

  get key() {
    return byId("key").value.trim();
  }

  /** Returns the request for what is chosen. Throws Problem if a file is missing. */
  request() {
    const { kind, form } = this;
    const names = { frames: ["onset", "apex"], clip: ["clip"], video: ["video"], camera: [] }[kind];
    const files = names.map((name) => form.elements[name].files[0]);
    if (kind === "camera") files.push(this.recording);
    if (files.some((file) => !file)) throw new Problem({ code: "no_file" });
    const [first, second] = files;
    const shared = { fields: {}, tight: form.elements.tight.checked, withKey: this.key !== "" };
    const pictures = ["flow", "arrows", "strain", "attention", "crops"];
    if (kind === "frames") {
      return { ...shared, kind, files: { onset: first, apex: second }, include: pictures };
    }
    if (kind === "video") return { ...shared, kind, files: { video: first }, include: pictures };
    return { ...shared, kind: "clip", files: { video: first }, include: [...pictures, "motion"] };
  }

  /** Fills the form with the sample for the chosen kind of input. */
  async takeSample() {
    if (this.kind === "camera") this.#select("clip");
    for (const [name, file] of Object.entries(SAMPLES[this.kind])) {
      this.#put(name, await sample(file));
    }
  }

  /** Shows and focuses the field for the API key. */
  askForKey() {
    byId("options").open = true;
    byId("key").focus();
  }

  #changed(input) {
    if (input.name === "kind") this.#show();
    if (input.type === "file") preview(input);
  }

  #select(kind) {
    this.form.elements.kind.value = kind;
    this.#show();
  }

  #show() {
    for (const part of this.form.querySelectorAll("[data-kind]")) {
      part.hidden = part.dataset.kind !== this.kind;
    }
    byId("sample").hidden = this.kind === "camera";
  }

  #put(name, file) {
    const input = this.form.elements[name];
    const transfer = new DataTransfer();
    transfer.items.add(file);
    input.files = transfer.files;
    preview(input);
  }

  #dropped(event) {
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    const [first, second] = files.toSorted((a, b) => a.name.localeCompare(b.name));
    const field = event.target.closest(".drop")?.querySelector("input");
    if (!first) return;
    if (field && files.length === 1) this.#put(field.name, first);
    else if (second) {
      // names of a pair differ in a number, or contain `apex` and `onset`
      const swapped = /onset/i.test(second.name);
      this.#select("frames");
      this.#put("onset", swapped ? second : first);
      this.#put("apex", swapped ? first : second);
    } else if (first.type.startsWith("image/") && first.type !== "image/gif") {
      this.#select("frames");
      this.#put(this.form.elements.onset.files.length ? "apex" : "onset", first);
    } else {
      if (this.kind !== "video") this.#select("clip");
      this.#put(this.kind, first);
    }
  }

  async #record() {
    const status = byId("recording");
    byId("record").disabled = true;
    try {
      status.textContent = "Opening the camera";
      this.recording = await record(byId("viewfinder"), (left) => {
        status.textContent = `Recording: ${left} s`;
      });
      const keep = () => save(this.recording, this.recording.name);
      status.replaceChildren(
        "Recorded. ",
        make("button", { type: "button", class: "quiet", onclick: keep }, "Save the recording"),
      );
    } catch (problem) {
      status.textContent = "";
      this.form.dispatchEvent(new CustomEvent("problem", { detail: problem }));
    } finally {
      byId("record").disabled = false;
    }
  }
}

/** Shows the file of a field, if the browser can decode it. */
function preview(input) {
  const drop = input.closest(".drop");
  drop.querySelector(".preview")?.remove();
  const [file] = input.files;
  if (!file) return;
  const source = URL.createObjectURL(file);
  const still = file.type.startsWith("image/");
  const view = still
    ? make("img", { class: "preview", alt: "", src: source })
    : make("video", { class: "preview", "aria-hidden": "true", src: source, preload: "metadata" });
  const done = () => URL.revokeObjectURL(source);
  view.addEventListener(still ? "load" : "loadeddata", done);
  view.addEventListener("error", () => {
    done();
    view.remove();
  });
  drop.append(view);
}
