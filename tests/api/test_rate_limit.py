"""Quotas of API keys: a client that has used up its own does not affect others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from off_tanet.api.app import OPEN_PATHS
from off_tanet.api.middleware.auth import digest, new_key

from tests.api.test_auth import METHODS
from tests.support.requests import check_problem
from tests.support.serving import Server, serving


@pytest.fixture(scope="module")
def key() -> str:
    return new_key()


def test_a_used_up_quota_has_a_retry_after(tmp_path: Path) -> None:
    """A client in a loop must not block the others."""
    busy, other = new_key(), new_key()
    file = tmp_path / "keys"
    file.write_text(f"{digest(busy)} busy\n{digest(other)} other\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    with (
        serving(home, workers=1, api_keys=file, quota="2/hour") as server,
        server.client() as http,
    ):

        def ask(key: str) -> httpx.Response:
            headers = {"X-API-Key": key}
            return http.post("/v1/predictions/clip", files={"video": b""}, headers=headers)

        for _ in range(2):
            check_problem(ask(busy), 422, "undecodable_media")
        refused = ask(busy)
        check_problem(refused, 429, "quota_exceeded")
        assert 1 <= int(refused.headers["retry-after"]) <= 3600
        assert http.get("/v1/model", headers={"X-API-Key": busy}).status_code == 200
        check_problem(ask(other), 422, "undecodable_media")


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, key: str) -> Iterator[Server]:
    """A service with a quota of one request an hour."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.write_text(f"{digest(key)} clinic\n", encoding="utf-8")
    home = tmp_path_factory.mktemp("counted")
    with serving(home, workers=1, api_keys=file, quota="1/hour") as running:
        yield running


@pytest.mark.parametrize("method", METHODS)
def test_paths_without_a_key_have_no_quota(counted: Server, method: str) -> None:
    """Without a key there is no client to count."""
    with counted.client() as http:
        for path in sorted(OPEN_PATHS):
            for _ in range(2):
                assert http.request(method, path).status_code in {200, 405}, path


def test_requests_without_a_key_use_up_no_quota(counted: Server, key: str) -> None:
    """Otherwise anybody could use up the quota of a client."""
    with counted.client() as http:
        for headers in ({}, {"X-API-Key": "ot_guess"}, {"X-API-Key": "clinic"}):
            for _ in range(5):
                check_problem(http.post("/v1/predictions", headers=headers), 401, "unauthorized")
        mine = {"X-API-Key": key}
        check_problem(http.post("/v1/predictions", headers=mine), 415, "unsupported_media_type")
        check_problem(http.post("/v1/predictions", headers=mine), 429, "quota_exceeded")
