"""Another language is one file of texts and one line; the English ones stand in one file, too."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from playwright.sync_api import Browser, expect

from tests.support.paths import ROOT
from tests.support.serving import Server
from tests.web.visit import Visit, visiting

WEB = ROOT / "service/off_tanet/web"
TEXTS = (WEB / "texts.en.js").read_text(encoding="utf-8")
CODE = {path.name: path.read_text(encoding="utf-8") for path in WEB.glob("*.js")}


class _Texts(HTMLParser):
    """Collects the text of each element with `data-text`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.name: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.name = dict(attrs).get("data-text")

    def handle_endtag(self, tag: str) -> None:
        self.name = None

    def handle_data(self, data: str) -> None:
        if self.name:
            self.found[self.name] = self.found.get(self.name, "") + data


def test_the_page_repeats_the_texts_of_the_file(visit: Visit) -> None:
    """It must be readable before any module has run, and translators look only into the file."""
    parser = _Texts()
    parser.feed((WEB / "index.html").read_text(encoding="utf-8"))
    texts = visit.page.evaluate("import('./web/texts.en.js').then(({ page }) => page)")
    assert parser.found == texts


def test_every_text_that_the_modules_say_exists_and_is_said(visit: Visit) -> None:
    texts = visit.page.evaluate("import('./web/texts.en.js').then(({ ui }) => Object.keys(ui))")
    others = "\n".join(code for name, code in CODE.items() if not name.startswith("texts."))
    said = set(re.findall(r'say\("(\w+)"', others)) | set(re.findall(r"texts\.ui\.(\w+)", others))
    assert said <= set(texts)
    unused = [name for name in texts if not re.search(rf"\b{name}\b", others)]
    assert unused == []


@pytest.mark.parametrize("asked", ["locale", "address"])
def test_a_language_is_a_file_and_a_line(browser: Browser, server: Server, asked: str) -> None:
    """The browser's language is used, or that of the address."""
    german = TEXTS.replace("Analyse", "Auswerten").replace("Closest class", "Ähnlichste Klasse")
    lines = CODE["language.js"].replace('{ en: "English" }', '{ en: "English", de: "Deutsch" }')
    context = browser.new_context(locale="de-AT" if asked == "locale" else "en-GB")
    page = context.new_page()
    script = "text/javascript"
    page.route("**/texts.de.js", lambda route: route.fulfill(body=german, content_type=script))
    page.route("**/language.js", lambda route: route.fulfill(body=lines, content_type=script))
    page.goto(server.url if asked == "locale" else f"{server.url}/?lang=de")
    expect(page.get_by_role("button", name="Auswerten")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_role("button", name="A smile").click()
    expect(page.get_by_role("heading", name="Ähnlichste Klasse")).to_be_visible(timeout=30_000)
    page.get_by_label("Language").select_option("English")
    expect(page.get_by_role("button", name="Analyse")).to_be_visible()
    context.close()


def test_one_language_needs_no_choice(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        expect(visit.page.get_by_label("Language")).to_be_hidden()
