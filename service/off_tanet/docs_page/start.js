// Shows the OpenAPI document of this service with Swagger UI. Where the service needs an API key, it
// is asked for first and kept only in this page.
"use strict";

const form = document.getElementById("access");
const refusal = document.getElementById("refusal");

async function load(key) {
  const answer = await fetch("openapi.json", { headers: key ? { "X-API-Key": key } : {} });
  if (answer.status === 401) {
    refusal.textContent = key ? "The service does not accept this key." : "";
    form.hidden = false;
    return;
  }
  if (!answer.ok) {
    refusal.textContent = `The document could not be loaded (${answer.status}).`;
    form.hidden = false;
    return;
  }
  form.hidden = true;
  show(await answer.json(), key);
}

function show(described, key) {
  // Behind a proxy that strips a prefix, only the address of this page has it.
  described.servers ??= [{ url: new URL(".", document.baseURI).pathname.replace(/\/$/, "") || "/" }];
  document.documentElement.classList.toggle(
    "dark-mode",
    matchMedia("(prefers-color-scheme: dark)").matches,
  );
  const ui = window.SwaggerUIBundle({
    spec: described,
    domNode: document.getElementById("ui"),
    deepLinking: false,
    displayRequestDuration: true,
    validatorUrl: null, // its badge would tell another host about this service
    onComplete: () => key && ui.preauthorizeApiKey("header", key),
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  load(document.getElementById("key").value);
});

load("");
