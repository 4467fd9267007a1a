"""One visit to the page: what a user does there, and what the browser reported meanwhile."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

_ANSWER = re.compile("Closest class|No expression to name")
_REFUSED = "Failed to load resource"


@dataclass
class Visit:
    """The page in a window of its own; `refused` means that the service will answer an error."""

    page: Page
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    refused: bool = False

    def choose(self, kind: str, **files: Path | FilePayload) -> None:
        """Choose a kind of input and its files, by the fields' labels."""
        self.page.get_by_label(kind, exact=True).check()
        for label, file in files.items():
            self.field(label).set_input_files(file)

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label.capitalize(), exact=True)

    def analyse(self) -> None:
        self.page.get_by_role("button", name="Analyse").click()

    @property
    def answer(self) -> Locator:
        return self.page.get_by_role("heading", name=_ANSWER)

    @property
    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def expect_answer(self, label: str = "") -> None:
        """Wait for an answer, of one class if given."""
        expect(self.answer).to_contain_text(f"Closest class: {label}", timeout=30_000)

    def expect_reason(self, words: str) -> None:
        """Wait for an answer that names no class, for a reason."""
        expect(self.answer).to_have_text("No expression to name", timeout=30_000)
        expect(self.page.get_by_role("heading", name=words)).to_be_visible()

    def expect_problem(self, title: str) -> None:
        expect(self.alert.get_by_role("heading")).to_have_text(title, timeout=30_000)


def upload(name: str, content: bytes) -> FilePayload:
    """A file that exists only in the test."""
    kind, _ = mimetypes.guess_type(name)
    return {"name": name, "mimeType": kind or "", "buffer": content}


@contextmanager
def visiting(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    scheme: Literal["light", "dark"] = "light",
) -> Iterator[Visit]:
    """Open the page at `url`; afterwards the browser must not have reported an error."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        permissions=["camera", "clipboard-read", "clipboard-write"],
        accept_downloads=True,
    )
    visit = Visit(context.new_page())
    visit.page.on("console", lambda message: _note(visit, message.type, message.text))
    visit.page.on("pageerror", lambda error: visit.faults.append(str(error)))
    visit.page.on("request", lambda request: visit.hosts.add(urlsplit(request.url).netloc))
    visit.page.goto(url)
    try:
        yield visit
    finally:
        context.close()
    assert visit.faults == [], visit.faults
    assert visit.hosts - {""} == {urlsplit(url).netloc}  # data: and blob: have no host


def _note(visit: Visit, kind: str, text: str) -> None:
    if kind in ("error", "warning") and not (visit.refused and text.startswith(_REFUSED)):
        visit.faults.append(text)
