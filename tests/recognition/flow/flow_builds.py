"""The builds of the flow kernel that this processor can run, and the choice of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from off_tanet.recognition import flow
from off_tanet.recognition.flow import builds

RUNNABLE = builds.runnable(flow.__path__)


@contextmanager
def override(name: str | None) -> Iterator[None]:
    """Choose a build as an operator would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(builds.OVERRIDE, raising=False)
        if name is not None:
            patch.setenv(builds.OVERRIDE, name)
        builds.kernel.cache_clear()
        yield
    builds.kernel.cache_clear()
