// Records a few seconds from the camera in memory.

import { Problem } from "./service.js";

const SECONDS = 3;
const KINDS = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];

/**
 * Shows the camera in `viewfinder`, records, releases the camera and returns the recording.
 *
 * Calls `onTick` every second with the seconds left. Throws Problem if no camera can be used.
 */
export async function record(viewfinder, onTick) {
  const stream = await openCamera();
  try {
    viewfinder.srcObject = stream;
    viewfinder.hidden = false;
    await viewfinder.play();
    return await recordStream(stream, onTick);
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    viewfinder.srcObject = null;
    viewfinder.hidden = true;
  }
}

async function openCamera() {
  try {
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 } };
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch {
    throw new Problem({ code: "no_camera" });
  }
}

function recordStream(stream, onTick) {
  const type = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
  const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 8_000_000 });
  const chunks = [];
  return new Promise((resolve, reject) => {
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    recorder.onerror = () => reject(new Problem({ code: "no_camera" }));
    recorder.onstop = () => {
      const name = `recording.${type.includes("mp4") ? "mp4" : "webm"}`;
      resolve(new File(chunks, name, { type: type.split(";")[0] }));
    };
    recorder.start();
    for (let left = SECONDS; left > 0; left -= 1) {
      setTimeout(() => onTick(left), 1000 * (SECONDS - left));
    }
    setTimeout(() => recorder.stop(), 1000 * SECONDS);
  });
}
