// Requests by Node's own fetch, as programs write them.
//   node ask.mjs URL SAMPLES  prints the responses as JSON

import { readFileSync } from "node:fs";

const [url, samples] = process.argv.slice(2);
const file = (name) => readFileSync(`${samples}/${name}`);
const pair = () => [file("positive_onset.jpg"), file("positive_apex.jpg")];

async function send(path, body, headers = {}) {
  const answer = await fetch(`${url}/v1/predictions${path}`, { method: "POST", body, headers });
  const found = await answer.json();
  return found.label ?? found.reason ?? `${answer.status} ${found.detail}`;
}

function form(parts) {
  const made = new FormData();
  for (const part of parts) made.append(...part);
  return made;
}

const [onset, apex] = pair();
const uri = (content) => `data:image/jpeg;base64,${content.toString("base64")}`;
const json = { input: { type: "frames", onset: uri(onset), apex: uri(apex) } };
const files = [
  ["onset", new Blob([onset]), "onset.jpg"],
  ["apex", new Blob([apex])],
];
const recorded = new Blob([file("clip.mp4")], { type: "video/webm;codecs=vp8" });

console.log(
  JSON.stringify({
    blobs: await send("/frames", form(files)),
    fields: await send("/frames", form([...files, ["face", "none"], ["include", "flow"]])),
    uris: await send("/frames", form([["onset", uri(onset)], ["apex", uri(apex)]])),
    recorded: await send("/clip", form([["video", recorded, "blob"]])),
    json: await send("", JSON.stringify(json), { "Content-Type": "application/json" }),
    "own header": await send("/frames", form(files), { "Content-Type": "multipart/form-data" }),
    "slip of a name": await send("/frames?Face=none", form(files)),
  }),
);
