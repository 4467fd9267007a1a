"""Decompression bombs: refused by their header, without allocating the memory they declare."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.soak.bombing import explode
from tests.support.bombs import bombs
from tests.support.serving import Server, serving

BOMBS = bombs()
MOST_BYTES = 100_000_000  # a third of a 10,000 x 10,000 frame; the uploads have up to 15 MB


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("target"), workers=1) as running:
        yield running


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_without_its_memory(target: Server, name: str) -> None:
    """A request of one kilobyte must not be able to exhaust the machine's memory."""
    blast = explode(target, BOMBS[name])
    assert (blast.status, blast.limit) == (BOMBS[name].status, BOMBS[name].limit)
    assert blast.server_bytes < MOST_BYTES
    assert blast.worker_memory_bytes < MOST_BYTES
