"""The page's files, and the headers that isolate it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from off_tanet import errors
from off_tanet.api.app import create_app
from off_tanet.api.middleware.auth import digest, new_key
from off_tanet.api.routes.page import PATHS
from off_tanet.schemas.prediction import QualityBody
from off_tanet.settings import Settings

from tests.support.requests import check_problem

SOURCES = sorted(path for path in PATHS if path.endswith(("/", ".html", ".css", ".js", ".svg")))


@pytest.mark.parametrize("path", sorted(PATHS))
def test_each_file_has_its_type_and_a_strict_policy(http: httpx.Client, path: str) -> None:
    """Nothing is loaded from elsewhere, and the page contains no inline script or style."""
    answer = http.get(path)
    assert answer.status_code == 200
    policy = dict(
        part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert {policy[kind] for kind in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert "unsafe" not in str(policy)
    kinds = {"": "text/html", "html": "text/html", "js": "text/javascript", "css": "text/css"}
    suffix = path.rpartition(".")[2] if "." in path else ""
    assert answer.headers["content-type"].startswith(kinds.get(suffix, ("image/", "video/")))


@pytest.mark.parametrize("path", SOURCES)
def test_every_address_in_the_page_is_relative(http: httpx.Client, path: str) -> None:
    """Under a prefix, an absolute path leads elsewhere."""
    text = http.get(path).text
    assert not re.findall(r"""(?:href|src|action)=["'](?:/|https?:)""", text)
    assert not re.findall(r"""(?:from|import|fetch|URL)\(?\s*["'](?:/|https?:)""", text)


def test_the_page_explains_every_problem_code(http: httpx.Client) -> None:
    """Users of the page cannot do anything with a bare code."""
    words = http.get("/web/texts.en.js").text
    quality = QualityBody.model_json_schema()["properties"]["warnings"]["items"]["enum"]
    kinds = {*errors.MediaError.__subclasses__(), *errors.EngineError.__subclasses__()}
    kinds |= {errors.NoFaceError, errors.UnauthorizedError, errors.QuotaError}
    codes = {kind.code for kind in kinds - {errors.ClientGoneError}}
    assert {word for word in codes | set(quality) if f"  {word}: " not in words} == set()


def test_the_facts_are_those_of_the_settings(tmp_path: Path) -> None:
    """The page shows them before anyone has entered a key."""
    file = tmp_path / "keys"
    file.write_text(f"{digest(new_key())} clinic\n", encoding="utf-8")
    settings = Settings(api_keys=file, max_body_bytes=123, max_video_seconds=7.5)

    async def fetch() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            return await client.get("/web/service.json")

    facts = asyncio.run(fetch()).json()
    assert facts["key_required"] is True
    assert facts["body_bytes"] == 123
    assert facts["video_seconds"] == 7.5
    assert facts["frames"] == settings.max_frames


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("br;q=1, GZIP;q=0.5", "gzip"),
        ("identity", None),
        ("gzip;q=0", None),
        ("br, xgzip", None),
        ("", None),
    ],
)
def test_texts_are_compressed_for_those_who_accept_it(
    http: httpx.Client, accepted: str, encoding: str | None
) -> None:
    """On a phone's network it is a third of the time; the content is the same."""
    answer = http.get("/web/main.js", headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == http.get("/web/main.js").content
    picture = http.get("/web/positive_apex.jpg", headers={"Accept-Encoding": accepted})
    assert "content-encoding" not in picture.headers


def test_no_other_file_is_served(http: httpx.Client) -> None:
    for path in ("/web/none.js", "/web/..%2fcli.py", "/web/%2e%2e/cli.py", "/web/"):
        check_problem(http.get(path), 404, "not_found")


def test_keys_are_required_under_a_prefix_too(tmp_path: Path) -> None:
    """The same paths are open there as without a prefix."""
    key, file = new_key(), tmp_path / "keys"
    file.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    outer = FastAPI()
    outer.mount("/face", create_app(Settings(api_keys=file)))

    async def status(path: str) -> int:
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
            return (await client.get(path)).status_code

    for path in ("/face/", "/face/web/main.js", "/face/health/live"):
        assert asyncio.run(status(path)) == 200
    for path in ("/face/v1/model", "/face/openapi.json", "/face/face/health/live"):
        assert asyncio.run(status(path)) == 401
