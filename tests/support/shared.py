"""The data that lies beside the repository and never goes into it."""

from pathlib import Path

import pytest

from tests.support.paths import ROOT

SHARED = ROOT.parent / "shared"
DATA = SHARED / "data"


def shared(name: str) -> Path:
    """The file `name` of the shared data; the test that asks is skipped where it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the shared data has no {name} here")
    return path
