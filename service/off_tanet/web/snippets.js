// The current request as a curl command and as a Python program.

import { make } from "./dom.js";
import { say } from "./language.js";
import { address } from "./service.js";

/** Returns both in a closed element, each with a button that copies it. */
export function snippets(request) {
  const texts = { curl: curl(request), Python: python(request) };
  const parts = Object.entries(texts).flatMap(([title, text]) => snippet(title, text));
  return make("details", {}, make("summary", {}, say("snippets")), ...parts);
}

function snippet(title, text) {
  const status = make("span", { role: "status" });
  const code = make(
    "pre",
    { tabindex: "0", "aria-label": say("code", { title }) },
    make("code", {}, text),
  );
  const onclick = async () => {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else getSelection().selectAllChildren(code);
    status.textContent = say(navigator.clipboard ? "copied" : "insecureCopy");
  };
  const copy = make("button", { type: "button", onclick }, say("copy", { title }));
  return [make("h3", {}, title), code, make("p", {}, copy, " ", status)];
}

function curl({ files, fields, withKey, ...target }) {
  const parts = [
    ...(withKey ? ['-H "X-API-Key: $OFF_TANET_KEY"'] : []),
    ...Object.entries(files).map(([name, file]) => `-F ${quoted(`${name}=@${file.name}`)}`),
    ...Object.entries(fields).map(([name, value]) => `-F ${name}=${value}`),
    quoted(address(target)),
  ];
  return ["curl", ...parts].join(" \\\n  ");
}

function python({ files, fields, withKey, ...target }) {
  const content = Object.entries(files).map(
    ([name, file]) => `        "${name}": Path(${JSON.stringify(file.name)}).read_bytes(),`,
  );
  const options = [
    `    ${JSON.stringify(address(target))},`,
    "    files={",
    ...content,
    "    },",
    ...(Object.keys(fields).length ? [`    data=${JSON.stringify(fields)},`] : []),
    ...(withKey ? ['    headers={"X-API-Key": os.environ["OFF_TANET_KEY"]},'] : []),
    `    timeout=${target.kind === "video" ? "None" : "60"},`,
  ];
  return [
    ...(withKey ? ["import os"] : []),
    "from pathlib import Path",
    "",
    "import httpx",
    "",
    "response = httpx.post(",
    ...options,
    ")",
    "response.raise_for_status()",
    `print(response.json()["${target.kind === "video" ? "expressions" : "probabilities"}"])`,
  ].join("\n");
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
