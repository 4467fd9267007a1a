// A program that uses only the client generated from the OpenAPI document.
//   ask.ts URL SAMPLES  prints the responses as JSON

import { readFileSync } from "node:fs";

import { getModel, predict, predictClip, predictFrames, spotVideo } from "./client/index.js";
import { client } from "./client/client.gen.js";
import type { PredictionBody, Problem } from "./client/index.js";

const [baseUrl, samples] = process.argv.slice(2);
client.setConfig({ baseUrl });

const file = (name: string) => new Blob([readFileSync(`${samples}/${name}`)]);
const base64 = (name: string) => readFileSync(`${samples}/${name}`).toString("base64");

const frames = await predictFrames({
  body: { onset: file("positive_onset.jpg"), apex: file("positive_apex.jpg") },
  query: { include: "crops" },
});
const pair: PredictionBody = frames.data!;

const clip = await predictClip({ body: { video: file("clip.mp4"), apex_index: 12 } });

const json = await predict({
  body: {
    input: {
      type: "frames",
      onset: base64("surprise_onset.jpg"),
      apex: base64("surprise_apex.jpg"),
    },
  },
});

const video = await spotVideo({ body: { video: file("clip.mp4") } });
const kinds = video.data!.expressions.map((each) =>
  each.kind === "micro" ? each.probabilities.surprise : each.confidence,
);

const refused = await predictFrames({ body: { onset: new Blob(["x"]), apex: new Blob(["x"]) } });
const problem: Problem = refused.error!;

const model = await getModel();

console.log(
  JSON.stringify({
    frames: pair.label,
    crop: pair.crops!.onset.slice(0, 21),
    clip: [clip.data!.label, clip.data!.apex.index],
    json: json.data!.label,
    video: [video.data!.video.frames, kinds.length],
    problem: [problem.status, problem.code],
    parameters: model.data!.parameters,
  }),
);
