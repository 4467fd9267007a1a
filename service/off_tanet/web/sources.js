// The form: files that are chosen, dropped or recorded, and the requests that they make.

import { CameraPanel } from "./camera.js";
import { byId } from "./dom.js";
import { acceptDrops } from "./drop.js";
import { sort } from "./files.js";
import { checkSizes, lengthProblem, limitLine, takeLimits } from "./limits.js";
import { removePreview, showPreview } from "./preview.js";
import { Problem } from "./problem.js";

const PICTURES = ["flow", "arrows", "strain", "attention", "crops"];
const FIELDS = { frames: ["onset", "apex"], clip: ["clip"], video: ["video"], camera: [] };

/**
 * The state of the form: kind of input, files and options.
 *
 * It dispatches `material` when files change, `kind` when another kind is chosen, `live` when a
 * camera is to be watched (`done` is called at the end), and `problem`.
 */
export class Sources extends EventTarget {
  constructor(form) {
    super();
    this.form = form;
    this.pairs = []; // more than one pair of pictures
    this.camera = new CameraPanel(byId("camera"), {
      onChange: () => this.#report("material"),
      onProblem: (problem) => this.#report("problem", problem),
      onLive: (view, stop) =>
        new Promise((done) => this.#report("live", { view, stop, done })),
    });
    form.addEventListener("change", ({ target }) => this.#changed(target));
    acceptDrops((files, field) => this.#guard(() => this.take(files, field)));
    this.#show();
  }

  /** Shows the limits of the service, and the field for the key if it requires one. */
  showFacts(facts) {
    takeLimits(facts);
    this.#showLimit();
    if (facts.key_required) byId("options").open = true;
    byId("key").required = Boolean(facts.key_required);
    this.camera.offerStreams(Boolean(facts.streams));
  }

  get kind() {
    return this.form.elements.kind.value;
  }

  get key() {
    return byId("key").value.trim();
  }

  /** The options of a live stream. */
  get live() {
    return {
      include: [...PICTURES, "motion"].join(","),
      ...(this.form.elements.tight.checked ? { face: "none" } : {}),
      ...(this.key ? { key: this.key } : {}),
    };
  }

  /** Returns one request, or several, for what is chosen. Throws Problem if a file is missing. */
  requests() {
    const { kind, form } = this;
    if (kind === "camera") return [this.#clip(this.camera.recording)];
    if (kind === "frames" && this.pairs.length) {
      return this.pairs.map(({ name, onset, apex }) => this.#frames(onset, apex, name));
    }
    if (kind === "frames") {
      const [onset, apex] = FIELDS.frames.map((name) => form.elements[name].files[0]);
      return [this.#frames(onset, apex)];
    }
    const files = [...form.elements[kind].files];
    if (kind === "clip" && files.length) return files.map((file) => this.#clip(file));
    return [kind === "video" ? this.#video(files[0]) : this.#clip(undefined)];
  }

  /** Takes files as if they had been chosen; `name` is the field that was meant, if any. */
  take(files, name = null) {
    const { kind, items } = sort(files);
    if (kind === "frames" && items.length === 1) return this.#takePicture(items[0], name);
    if (kind === "frames") return this.#putPair(...items);
    if (kind === "pairs") return this.#putPairs(items);
    if (name === "video" || this.kind === "video") {
      if (items.length > 1) throw new Problem({ code: "several_videos" });
      return this.#put("video", items);
    }
    return this.#put("clip", items);
  }

  /** Shows and focuses the field for the API key. */
  askForKey() {
    byId("options").open = true;
    byId("key").focus();
  }

  select(kind) {
    if (kind === this.kind) return;
    this.form.elements.kind.value = kind;
    this.#show();
  }

  #takePicture(file, name) {
    this.select("frames");
    this.pairs = [];
    const free = this.form.elements.onset.files.length ? "apex" : "onset";
    this.#put(FIELDS.frames.includes(name) ? name : free, [file]);
  }

  #putPair(onset, apex) {
    this.pairs = [];
    this.#put("onset", [onset]);
    this.#put("apex", [apex]);
  }

  #putPairs(pairs) {
    this.#put(
      "onset",
      pairs.map(({ onset }) => onset),
    );
    this.#put(
      "apex",
      pairs.map(({ apex }) => apex),
    );
    this.pairs = pairs;
  }

  #put(name, files) {
    this.select(FIELDS.frames.includes(name) ? "frames" : name);
    const input = this.form.elements[name];
    const transfer = new DataTransfer();
    files.forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    this.#preview(input);
    this.#report("material");
  }

  #changed(input) {
    if (input.name === "kind") this.#show();
    if (input.name === "tight") this.#report("material");
    if (input.type !== "file") return;
    const files = [...input.files];
    const several = files.length > 1;
    const fields = FIELDS[this.kind].map((name) => this.form.elements[name]);
    // files that are refused must not stay, nor one half of several pairs
    fields.filter((field) => several || (field !== input && field.files.length > 1)).forEach(clear);
    this.pairs = [];
    if (!several) this.#preview(input);
    this.#report("material");
    if (several) this.#guard(() => this.take(files, input.name));
  }

  #preview(input) {
    showPreview(input, (file, seconds) => {
      const problem = lengthProblem(input.name, file.name, seconds);
      if (problem) this.#report("problem", problem);
    });
  }

  #show() {
    for (const part of this.form.querySelectorAll("[data-kind]")) {
      part.hidden = part.dataset.kind !== this.kind;
    }
    if (this.kind !== "camera") this.camera.close();
    this.#showLimit();
    this.#report("kind");
  }

  #showLimit() {
    byId("limit").textContent = limitLine(this.kind);
  }

  #guard(work) {
    try {
      work();
    } catch (problem) {
      this.#report("problem", problem);
    }
  }

  #report(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #frames(onset, apex, name = null) {
    return this.#request("frames", { onset, apex }, PICTURES, name ?? apex?.name);
  }

  #clip(video) {
    return this.#request("clip", { video }, [...PICTURES, "motion"], video?.name);
  }

  #video(video) {
    return this.#request("video", { video }, [...PICTURES, "motion"], video?.name);
  }

  #request(kind, files, include, name) {
    if (Object.values(files).some((file) => !file)) throw new Problem({ code: "no_file" });
    const tight = this.form.elements.tight.checked;
    const request = { kind, files, include, name, fields: {}, tight, withKey: this.key !== "" };
    checkSizes(request);
    return request;
  }
}

function clear(input) {
  input.value = "";
  removePreview(input);
}
