// Requests by axios from Node: buffers without a file name, arrays with brackets.
//   node ask_axios.mjs URL SAMPLES  prints the responses as JSON

import { readFileSync } from "node:fs";

import axios from "axios";

const [baseURL, samples] = process.argv.slice(2);
const file = (name) => readFileSync(`${samples}/${name}`);
const onset = file("positive_onset.jpg");
const apex = file("positive_apex.jpg");
const large = Buffer.concat([onset, Buffer.alloc(1_200_000)]); // over any limit of a text field

async function send(path, body, options = {}) {
  const answer = await axios.postForm(`/v1/predictions/${path}`, body, {
    baseURL,
    validateStatus: () => true,
    ...options,
  });
  return answer.data.label ?? answer.data.reason ?? `${answer.status} ${answer.data.detail}`;
}

console.log(
  JSON.stringify({
    buffers: await send("frames", { onset, apex }),
    "large buffers": await send("frames", { onset: large, apex: large }),
    arrays: await send("frames", { onset: [onset], apex: [apex] }),
    lists: await send("frames", { onset, apex }, { params: { include: ["flow", "crops"] } }),
    indices: await send("clip", { video: file("clip.mp4"), onset_index: 5, apex_index: 9 }),
    "a slip": await send("clip", { video: file("clip.mp4"), onsetIndex: 5 }),
  }),
);
