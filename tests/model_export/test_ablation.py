"""Comparisons in which only the last block differs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.types import CLASSES
from off_tanet_export.commands import main
from off_tanet_export.errors import TrainingError
from off_tanet_export.experiments.ablation import ablate, weights_path
from off_tanet_export.network.blocks import BLOCKS
from off_tanet_export.training.train import Training

TINY = Training(source="fields", pairs=6, samples=8, batch=4)


def test_completed_runs_are_not_trained_again(tmp_path: Path) -> None:
    """An interrupted comparison keeps its runs; runs of another budget are not reused."""
    found = ablate(TINY, [4], tmp_path)
    assert list(found) == list(BLOCKS)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(files) == 5
    lost = weights_path(tmp_path, Training(variant="cbam", seed=4))
    before = lost.read_bytes()
    lost.unlink()
    ablate(TINY, [4], tmp_path)
    assert lost.read_bytes() == before
    assert all(path.stat().st_mtime_ns == at for path, at in files.items() if path != lost)
    with pytest.raises(TrainingError, match="another configuration"):
        ablate(Training(source="fields", pairs=6, samples=16, batch=4), [4], tmp_path)


def test_the_command_prints_a_row_for_each_block(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In Markdown, for the model card, with the number of parameters next to the scores."""
    rng = np.random.default_rng(0)
    maps: NDArray[np.uint8] = rng.integers(0, 256, (6, 28, 28, 3), dtype=np.uint8)
    np.savez(
        tmp_path / "dev.npz",
        maps=maps,
        label=np.arange(6, dtype=np.uint8) % 3,
        dataset=np.full(6, "one"),
        subject=np.arange(6) // 2,
        classes=np.array(CLASSES),
    )
    files = ["--maps", str(tmp_path / "dev.npz"), "--output", str(tmp_path / "out")]
    assert main(["ablate", *files, "--seeds", "0", "1", "--samples", "64", "--pairs", "12"]) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows] == [f"| {variant}" for variant in BLOCKS]
    assert [row[1] for row in rows] == ["59,403", "56,967", "57,589", "48,625", "50,353"]
    assert all(len(row[4].split()) == 2 for row in rows)
