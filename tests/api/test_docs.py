"""The documentation as a page, and how answers lead to it."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from fastapi import FastAPI
from off_tanet.api.app import create_app
from off_tanet.api.routes.docs import PATHS
from off_tanet.settings import Settings

from tests.support.requests import check_problem


@pytest.mark.parametrize("path", [*sorted(PATHS), "/docs/"])
def test_each_file_has_its_type_and_a_strict_policy(http: httpx.Client, path: str) -> None:
    """Nothing is loaded from elsewhere, and the page contains no inline script or style."""
    answer = http.get(path)
    assert answer.status_code == http.head(path).status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "unsafe" not in policy
    kinds = {"": "text/html", "js": "text/javascript", "css": "text/css"}
    suffix = path.rpartition(".")[2] if "." in path else ""
    assert answer.headers["content-type"].startswith(kinds[suffix])


@pytest.mark.parametrize("path", ["/docs", "/docs/start.js", "/docs/style.css"])
def test_every_address_in_the_page_is_relative(http: httpx.Client, path: str) -> None:
    """Under a prefix, an absolute path leads elsewhere."""
    text = http.get(path).text
    assert not re.findall(r"""(?:href|src|action|fetch\()=?["'](?:/|https?:)""", text)
    assert "<script>" not in text
    assert "style=" not in text


def test_no_other_file_is_served(http: httpx.Client) -> None:
    for path in ("/docs/index.html", "/docs/LICENSE", "/docs/..%2fcli.py", "/docs/swagger_ui"):
        check_problem(http.get(path), 404, "not_found")


def test_a_problem_names_the_documentation(http: httpx.Client) -> None:
    """By the relations of RFC 8631; also where a request is refused before it is routed."""
    for answer in (http.get("/none"), http.get("/v1/model", headers={"Host": "a b"})):
        links = answer.links
        assert http.get(links["service-desc"]["url"]).json()["openapi"]
        assert http.get(links["service-doc"]["url"]).headers["content-type"].startswith("text/html")


async def _asked(app: FastAPI, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
        return await client.get(path)


def test_the_page_can_be_turned_off() -> None:
    """The document for programs stays."""
    app = create_app(Settings(docs=False))
    answer = asyncio.run(_asked(app, "/docs"))
    check_problem(answer, 404, "not_found")
    assert set(answer.links) == {"service-desc"}
    assert asyncio.run(_asked(app, "/openapi.json")).status_code == 200


def test_links_have_the_prefix_of_a_mounted_application() -> None:
    outer = FastAPI()
    outer.mount("/face", create_app(Settings()))
    links = asyncio.run(_asked(outer, "/face/none")).links
    assert {link["url"] for link in links.values()} == {"/face/openapi.json", "/face/docs"}
