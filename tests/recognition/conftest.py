"""The fixture of each build of the kernels."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from off_tanet.recognition.flow import builds

from tests.recognition.flow.flow_builds import RUNNABLE, override


@pytest.fixture(params=builds.NAMES)
def build(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each build of the kernels in turn."""
    name: str = request.param
    if name not in RUNNABLE:
        pytest.skip(f"this processor cannot run the {name} build")
    with override(name):
        yield name
