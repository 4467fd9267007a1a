"""Data outside of the repository, which is never committed."""

from pathlib import Path

import pytest

from tests.support.paths import ROOT

SHARED = ROOT.parent / "shared"
DATA = SHARED / "data"


def shared(name: str) -> Path:
    """The file `name` of the shared data; the test is skipped if it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the shared data has no {name} here")
    return path
