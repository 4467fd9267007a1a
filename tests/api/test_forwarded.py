"""Behind a proxy that strips a prefix: its name is believed only from trusted addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.serving import serving

PREFIX = "X-Forwarded-Prefix"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service that trusts this machine, asked as a proxy does."""
    home = tmp_path_factory.mktemp("proxied")
    with (
        serving(home, workers=1, trusted_proxies="127.0.0.0/8") as server,
        server.client() as http,
    ):
        yield http


def servers(http: httpx.Client, **headers: str) -> list[dict[str, str]]:
    document = http.get("/openapi.json", headers={PREFIX: headers["prefix"]}).json()
    found: list[dict[str, str]] = document.get("servers", [])
    return found


@pytest.mark.parametrize(
    ("sent", "mount"), [("/face", "/face"), ("/face/", "/face"), ("/a/b-c.d~e", "/a/b-c.d~e")]
)
def test_addresses_have_the_prefix(proxied: httpx.Client, sent: str, mount: str) -> None:
    """Clients are generated from the document, and problems name it."""
    assert servers(proxied, prefix=sent) == [{"url": mount}]
    answer = proxied.get("/none", headers={PREFIX: sent})
    assert answer.json()["instance"] == f"{mount}/none"
    assert answer.links["service-desc"]["url"] == f"{mount}/openapi.json"


def test_routes_and_open_paths_are_found_under_it(proxied: httpx.Client) -> None:
    for path in ("/", "/docs", "/docs/", "/web/main.js", "/v1/model", "/health/ready"):
        assert proxied.get(path, headers={PREFIX: "/face"}).status_code == 200


@pytest.mark.parametrize(
    "prefix", ["", "/", "face", "//host", "/a//b", "/a/../b", "/..", "/a b", "/%2e%2e", "/a,/b"]
)
def test_what_is_no_plain_path_is_ignored(proxied: httpx.Client, prefix: str) -> None:
    """It is repeated in answers, where `//host` would be another site."""
    assert servers(proxied, prefix=prefix) == []


def test_two_prefixes_are_ignored(proxied: httpx.Client) -> None:
    """One of them may be the client's own."""
    answer = proxied.get("/openapi.json", headers=[(PREFIX, "/a"), (PREFIX, "/b")])
    assert "servers" not in answer.json()


@pytest.mark.parametrize("trusted", ["", "192.0.2.1"])
def test_a_prefix_of_anyone_else_is_ignored(tmp_path: Path, trusted: str) -> None:
    with (
        serving(tmp_path, workers=1, trusted_proxies=trusted) as server,
        server.client() as http,
    ):
        assert servers(http, prefix="/face") == []
