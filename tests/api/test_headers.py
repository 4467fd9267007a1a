"""Security headers of every response, and CORS."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from off_tanet.settings import Settings

from tests.support.requests import CLIP, ask_frames, check_problem, pair
from tests.support.serving import serving

ORIGIN = "https://clinic.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "X-API-Key",
}


@pytest.fixture(scope="module")
def open_to_pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("cors")
    origins = f"http://localhost:3000,{ORIGIN}"
    with (
        serving(home, workers=1, cors_origins=origins, max_body_bytes=1_000_000) as running,
        running.client() as client,
    ):
        yield client


def check_guarded(answer: httpx.Response) -> None:
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_response_has_security_headers(http: httpx.Client) -> None:
    """A cached or framed prediction shows somebody's face."""
    video = {"video": CLIP.read_bytes()}
    events = {"Accept": "text/event-stream"}
    check_guarded(ask_frames(http, *pair("positive"), include="flow"))
    check_guarded(http.post("/v1/predictions/clip", files=video, headers=events))
    check_guarded(http.get("/health/live"))
    check_guarded(http.get("/v1/nothing"))
    check_guarded(http.post("/v1/predictions", json={}))


def test_no_other_origin_is_allowed_by_default(http: httpx.Client) -> None:
    assert http.options("/v1/predictions", headers=PREFLIGHT).status_code == 405
    answer = http.get("/v1/model", headers={"Origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_configured_origin_is_allowed(open_to_pages: httpx.Client) -> None:
    preflight = open_to_pages.options("/v1/predictions", headers=PREFLIGHT)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert "X-API-Key" in preflight.headers["access-control-allow-headers"]
    check_guarded(preflight)
    answer = open_to_pages.get("/v1/model", headers={"Origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-credentials" not in answer.headers


def test_a_configured_origin_can_read_a_refusal(open_to_pages: httpx.Client) -> None:
    """Without these headers a browser hides the response, including the problem in it."""
    content, origin = bytes(2_000_000), {"Origin": ORIGIN}
    answer = open_to_pages.post("/v1/predictions", content=content, headers=origin)
    check_problem(answer, 413, "limit_exceeded")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


def test_an_unlisted_origin_is_not_allowed(open_to_pages: httpx.Client) -> None:
    other = {**PREFLIGHT, "Origin": "https://elsewhere.example"}
    answer = open_to_pages.options("/v1/predictions", headers=other)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origins", ["clinic.example", "https://a.example/", "https://a.example,"])
def test_an_origin_that_no_browser_sends_is_refused(origins: str) -> None:
    """It would never match, without any message."""
    with pytest.raises(ValueError, match="cors_origins"):
        Settings(cors_origins=origins)
