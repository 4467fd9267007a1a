// The language of the page. A language is one file of texts and one line here.

import * as english from "./texts.en.js";

const LANGUAGES = { en: "English" };

const code = choose();

/** The texts in the language of the page, as `texts.en.js` names them. */
export const texts = code === "en" ? english : await import(`./texts.${code}.js`);

/** Fills the names in braces of a text. */
export function format(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Returns a text of `texts.ui`, filled. */
export function say(name, values) {
  return format(texts.ui[name], values);
}

/** Translates index.html, and shows the languages if there are several. */
export function translatePage() {
  document.documentElement.lang = code;
  if (code !== "en") {
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = texts.page[element.dataset.text];
    }
  }
  const select = document.getElementById("language");
  for (const [value, name] of Object.entries(LANGUAGES)) {
    select.add(new Option(name, value, false, value === code));
  }
  select.closest("label").hidden = select.options.length < 2;
  select.addEventListener("change", () => {
    location.search = `lang=${select.value}`;
  });
}

/** The language of the address, else the first one of the browser that there is. */
function choose() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return wanted.find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? "en";
}
