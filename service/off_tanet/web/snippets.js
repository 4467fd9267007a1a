// The current request as a curl command and as a Python program.

import { make } from "./dom.js";
import { address } from "./service.js";

/** Returns the elements of both, each with a button that copies it. */
export function snippets(request) {
  return [
    ["curl", curl(request)],
    ["Python", python(request)],
  ].flatMap(([title, text]) => {
    const status = make("span", { role: "status" });
    const copy = async () => {
      await navigator.clipboard.writeText(text);
      status.textContent = "Copied";
    };
    return [
      make("h4", {}, title),
      make("pre", { tabindex: "0", "aria-label": `${title} code` }, make("code", {}, text)),
      make("p", {}, make("button", { type: "button", onclick: copy }, `Copy ${title}`), " ", status),
    ];
  });
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
