"""The documentation of the API in a browser: it works under its policy, with keys and prefixes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from off_tanet.api.middleware.auth import digest, new_key
from playwright.sync_api import Browser, Page, expect

from tests.support.paths import ROOT
from tests.support.serving import Server, serving, started
from tests.web.visit import visiting


def try_model(page: Page) -> None:
    """Send the request of one operation from the page."""
    operation = page.locator("#operations-model-get_model")
    operation.get_by_role("button", name="Describe the model").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table")
    expect(answer).to_contain_text('"name": "off-tanet"', timeout=30_000)


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_a_request_is_sent_from_the_page(browser: Browser, server: Server, path: str) -> None:
    """`visiting` checks that the browser refuses nothing and asks no other host."""
    with visiting(browser, server.url + path) as visit:
        expect(visit.page.get_by_text("Classify two pictures", exact=True)).to_be_visible()
        try_model(visit.page)


def test_the_page_leads_to_it(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url) as visit:
        visit.page.get_by_role("link", name="API documentation").click()
        expect(visit.page.get_by_text("Classify two pictures", exact=True)).to_be_visible()


def test_without_it_the_page_has_no_link(browser: Browser, tmp_path: Path) -> None:
    with (
        serving(tmp_path, workers=1, docs=False) as server,
        visiting(browser, server.url) as visit,
    ):
        expect(visit.page.get_by_text("Model off-tanet")).to_be_visible()
        expect(visit.page.get_by_role("link", name="OpenAPI document")).to_be_visible()
        expect(visit.page.get_by_role("link", name="API documentation")).to_be_hidden()


def test_it_works_under_a_prefix(browser: Browser, tmp_path: Path) -> None:
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.web.mounted"]
    with (
        started(command, tmp_path, True, {"workers": 1}) as server,
        visiting(browser, f"{server.url}/face/docs") as visit,
    ):
        try_model(visit.page)
        expect(visit.page.get_by_text(f"{server.url}/face/v1/model").first).to_be_visible()


def test_a_key_is_asked_for_and_used(browser: Browser, tmp_path: Path) -> None:
    key, keys = new_key(), tmp_path / "keys"
    keys.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    with (
        serving(tmp_path, workers=1, api_keys=keys) as server,
        visiting(browser, f"{server.url}/docs") as visit,
    ):
        visit.refused = True  # the first request has no key, the second a wrong one
        field = visit.page.get_by_label("This service needs an API key")
        field.fill("wrong")
        field.press("Enter")
        expect(visit.page.get_by_role("alert")).to_contain_text("does not accept this key")
        field.fill(key)
        field.press("Enter")
        try_model(visit.page)
