"""`train --tensorboard`: the log of a run as curves, where TensorBoard is installed."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
from off_tanet_export.commands import main
from off_tanet_export.datasets.clip_flows import save_flows

from tests.model_export.test_own_training import clips, command


@pytest.fixture
def data(tmp_path: Path) -> Path:
    save_flows(clips(), tmp_path / "made.npz")
    return tmp_path / "made.npz"


def test_what_is_missing_is_said_before_the_work(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    options = "--tensorboard", str(tmp_path / "board")
    assert main(command(data, tmp_path / "mine.safetensors", *options)) == 2
    needed = "--tensorboard needs the extra tensorboard: pip install 'off-tanet[tensorboard]'\n"
    assert capsys.readouterr().err.endswith(needed)
    assert not (tmp_path / "mine.safetensors").exists()


@pytest.mark.filterwarnings("ignore")  # of TensorBoard's own imports
def test_the_curves_are_those_of_the_log(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = "--epochs", "2", "--tensorboard", str(tmp_path / "board")
    assert main(command(data, tmp_path / "mine.safetensors", *options)) == 0
    board = EventAccumulator(str(tmp_path / "board"))
    board.Reload()
    with (tmp_path / "mine.log.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["stage"] == "all people"]
    for name in ("loss", "accuracy", "learning_rate"):
        shown = board.Scalars(f"all people/{name}")
        assert [each.step for each in shown] == [int(row["epoch"]) for row in rows]
        assert [each.value for each in shown] == pytest.approx([float(row[name]) for row in rows])
