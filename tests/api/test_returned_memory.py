"""A worker returns the memory of an unusual request."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.support import factories
from tests.support.processes import forget_peak, peak_bytes, resident_bytes, workers_of
from tests.support.requests import ask_clip
from tests.support.serving import serving

MOST_BYTES = 16_000_000  # half a frame


def _clip(width: int, height: int) -> bytes:
    levels = range(10, 60, 10)
    return factories.gif([np.full((height, width, 3), level, np.uint8) for level in levels])


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc and /proc")
def test_the_memory_of_large_frames_is_returned(tmp_path: Path) -> None:
    """A GIF of 36 kB may have frames of 33 MB. Each worker that had seen one held 60 MB more."""
    with serving(tmp_path, workers=1) as server, server.client() as http:
        (worker,) = workers_of(server.process.pid)
        _ask(http, _clip(320, 240))
        before = resident_bytes(worker)
        forget_peak(worker)
        _ask(http, _clip(3840, 2160))
        assert peak_bytes(worker) - before > 4 * MOST_BYTES
        assert resident_bytes(worker) - before < MOST_BYTES


def _ask(http: httpx.Client, video: bytes) -> None:
    answer = ask_clip(http, video, face="none")
    assert answer.status_code == 200, answer.text
