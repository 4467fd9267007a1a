"""Servers that several modules of tests of the API use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.serving import Server, serving


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with limits that a short stream can reach."""
    home = tmp_path_factory.mktemp("live")
    with serving(
        home,
        workers=1,
        max_stream_seconds=60,
        max_stream_frame_bytes=600_000,
        max_video_pixels=512 * 512,
    ) as running:
        yield running
