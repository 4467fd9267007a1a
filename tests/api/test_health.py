"""Health and model information, for load balancers and operators."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.support.requests import check_problem
from tests.support.serving import serving, warming_up


def test_live_and_ready(http: httpx.Client) -> None:
    assert http.get("/health/live").json() == {"status": "live"}
    assert http.get("/health/ready").json() == {"status": "ready"}


def test_live_but_not_ready_while_it_warms_up(tmp_path: Path) -> None:
    """With a worker that hangs at its start, requests are refused and the process stays alive."""
    with warming_up(tmp_path) as server, server.client() as http:
        assert http.get("/health/live").status_code == 200
        answer = http.get("/health/ready")
        check_problem(answer, 503, "warming_up")
        assert int(answer.headers["retry-after"]) >= 1
        refused = http.post("/v1/predictions/clip", files={"video": b"x"})
        check_problem(refused, 503, "warming_up")


def test_with_a_broken_decoder_the_service_is_never_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fail for every clip while a load balancer keeps sending them."""
    broken = "import av\ndef fail(*_, **__): raise TypeError\nav.open = fail\n"
    (tmp_path / "sitecustomize.py").write_text(broken, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    message = "a worker did not start: The package's samples cannot be decoded (TypeError)."
    with serving(tmp_path, ready=False, workers=1) as server, server.client() as http:
        give_up = time.monotonic() + 60
        while not any(message in line for line in server.log):
            assert http.get("/health/ready").status_code == 503
            assert time.monotonic() < give_up
        assert http.get("/health/ready").status_code == 503


def test_the_model_describes_itself(http: httpx.Client) -> None:
    """Users must see the training data and scores behind an answer without reading code."""
    card = http.get("/v1/model").json()
    assert card["parameters"] == 59_403
    assert card["classes"] == ["negative", "positive", "surprise"]
    assert "synthetic" in card["training_data"].lower()
    assert card["scores"]
    assert card["licence"]
    assert card["flow_build"] in {"avx512", "avx2", "generic"}


def test_sigterm_ends_it_with_code_0(tmp_path: Path) -> None:
    with serving(tmp_path, workers=1) as server:
        assert server.stop() == 0
