// The camera: preview, countdown, recording in memory, and a look at the recording.

import { make, save } from "./dom.js";
import { say } from "./language.js";
import { Problem } from "./problem.js";
import { problem } from "./words.js";

const SECONDS = 3;
const COUNTDOWN_S = 3;
const ENOUGH_FPS = 50;
const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** The controls of the camera in `host`; `onChange()` follows a new or deleted recording. */
export class CameraPanel {
  constructor(host, { onChange, onProblem, onLive }) {
    Object.assign(this, { onChange, onProblem, onLive, recording: null, stream: null });
    Object.assign(this, { live: null, streams: true });
    this.view = make("video", { playsinline: true, hidden: true });
    this.view.muted = true;
    this.status = make("p", { role: "status", class: "hint" });
    this.opener = button(say("openCamera"), () => this.#attempt(() => this.#open()));
    this.recorder = button(say("record"), () => this.#attempt(() => this.#record()));
    this.watcher = button(say("watch"), () => this.#attempt(() => this.#watch()));
    this.keeper = button(say("saveRecording"), () => save(this.recording, this.recording.name));
    host.replaceChildren(
      this.view,
      this.status,
      make("p", { class: "actions" }, this.opener, this.recorder, this.watcher, this.keeper),
    );
    this.#arrange("closed");
    if (!window.isSecureContext) this.status.textContent = problem("insecure_camera").title;
  }

  /** Releases the camera; a recording stays. */
  close() {
    this.live?.abort();
    if (!this.stream) return;
    this.stream.getTracks().forEach((track) => track.stop());
    this.stream = this.view.srcObject = null;
    this.#arrange(this.recording ? "recorded" : "closed");
  }

  async #attempt(work) {
    try {
      await work();
    } catch (error) {
      this.close();
      this.status.textContent = "";
      this.onProblem(error);
    }
  }

  async #open() {
    if (this.recording) {
      this.recording = null;
      this.onChange();
    }
    this.status.textContent = say("opening");
    this.stream = await openCamera();
    this.view.removeAttribute("src");
    this.view.srcObject = this.stream;
    this.watcher.disabled = true; // before the first picture, its size is not known
    this.#arrange("live");
    await this.view.play();
    this.watcher.disabled = false;
    this.#showRate();
  }

  #showRate() {
    const { width, height, frameRate } = this.stream.getVideoTracks()[0].getSettings();
    const slow = frameRate < ENOUGH_FPS ? ` ${say("slowCamera")}` : "";
    this.status.textContent = say("live", { width, height, fps: Math.round(frameRate) }) + slow;
  }

  /** Shows the button for live streams if the service has them. */
  offerStreams(streams) {
    this.streams = streams;
    if (this.stream && !this.live) this.#arrange("live");
  }

  /** Starts a live stream, or ends the one that runs. */
  async #watch() {
    if (this.live) return this.live.abort();
    this.live = new AbortController();
    this.#arrange("watching");
    try {
      await this.onLive(this.view, this.live.signal);
    } finally {
      this.live = null;
      if (this.stream) this.#arrange("live");
    }
  }

  async #record() {
    this.recorder.disabled = this.watcher.disabled = true;
    try {
      await countDown(COUNTDOWN_S, (seconds) => this.#say("countdown", seconds));
      this.recording = await record(this.stream, (seconds) => this.#say("recording", seconds));
    } finally {
      this.recorder.disabled = this.watcher.disabled = false;
    }
    this.close();
    this.#playBack();
    this.onChange();
  }

  #say(name, seconds) {
    this.status.textContent = say(name, { seconds });
  }

  #playBack() {
    this.view.src = URL.createObjectURL(this.recording);
    this.view.loop = true;
    this.view.play().catch(() => {}); // its controls play it, too
    this.#say("recorded", SECONDS);
  }

  /** Shows what is possible while the camera is `closed`, `live`, `watching` or has `recorded`. */
  #arrange(state) {
    const open = ["live", "watching"].includes(state);
    this.view.hidden = state === "closed";
    this.view.controls = state === "recorded";
    this.view.classList.toggle("mirrored", open);
    this.view.setAttribute("aria-label", say(open ? "preview" : "playback"));
    this.opener.hidden = open;
    this.opener.textContent = say(state === "recorded" ? "again" : "openCamera");
    this.recorder.hidden = state !== "live";
    this.watcher.hidden = !open || !this.streams;
    this.watcher.textContent = say(state === "watching" ? "stopWatching" : "watch");
    this.keeper.hidden = state !== "recorded";
  }
}

function button(text, onclick) {
  return make("button", { type: "button", onclick }, text);
}

async function openCamera() {
  if (!window.isSecureContext) throw new Problem({ code: "insecure_camera" });
  try {
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 } };
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch {
    throw new Problem({ code: "no_camera" });
  }
}

/** Calls `onTick` with the seconds left, every second. */
async function countDown(seconds, onTick) {
  for (let left = seconds; left > 0; left -= 1) {
    onTick(left);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

/** Records `SECONDS` of a stream and returns the File. */
async function record(stream, onTick) {
  const type = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
  const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 8_000_000 });
  const chunks = [];
  const stopped = new Promise((resolve, reject) => {
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    recorder.onerror = () => reject(new Problem({ code: "no_camera" }));
    recorder.onstop = resolve;
  });
  recorder.start();
  await countDown(SECONDS, onTick);
  if (recorder.state === "recording") recorder.stop();
  await stopped;
  const name = `recording.${type.includes("mp4") ? "mp4" : "webm"}`;
  return new File(chunks, name, { type: type.split(";")[0] });
}
