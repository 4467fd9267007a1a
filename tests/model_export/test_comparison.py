"""The sources of training data compared, on a tiny budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from off_tanet.types import CLASSES
from off_tanet_export.commands import main

from tests.model_export.examples import TINY_TRAINING


@pytest.mark.slow
def test_the_command_compares_the_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two scores for each source, with those of every seed."""
    path = tmp_path / "maps.npz"
    np.savez(
        path,
        maps=np.random.default_rng(0).integers(0, 256, (6, 28, 28, 3), np.uint8),
        label=np.arange(6) % 3,
        dataset=np.array(["made"] * 6),
        subject=np.array(["1"] * 6),
        classes=np.array(CLASSES),
    )
    command = ["compare", "--maps", str(path), "--seeds", "2", *TINY_TRAINING]
    assert main(command) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:2] for line in lines] == [
        [source, score] for source in ("fields", "photographs", "both") for score in ("UF1", "UAR")
    ]
    for line in lines:
        first, second = (float(word.strip("()")) for word in line[-2:])
        assert float(line[2]) == pytest.approx((first + second) / 2, abs=1e-3)
    assert main([*command, "--sources", "fields"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == lines[:2]
