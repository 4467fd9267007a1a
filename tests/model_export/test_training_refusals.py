"""`train --data` with options or data that do not fit: one line, before any training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from off_tanet_export.commands import main
from off_tanet_export.datasets.clip_flows import ClipFlows, save_flows

from tests.model_export.test_own_training import clips, command


@pytest.fixture
def data(tmp_path: Path) -> Path:
    save_flows(clips(), tmp_path / "made.npz")
    return tmp_path / "made.npz"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pairs", "7"], "--pairs is not for training with --data"),
        (["--head-of", "w"], "--head-of is not for training with --data"),
        (["--variant", "cbam"], "--variant is for --from nothing: other weights have one already"),
        (["--from", "nothing", "--part", "head"], "--part head needs weights: not --from nothing"),
        (["--recipe", "paper", "--from", "shipped"], "--recipe paper has other maps than shipped"),
        (["--recipe", "paper", "--part", "head"], "--part head needs weights"),
        (["--epochs", "0"], "too few epochs: 0"),
        (["--batch", "0"], "too few clips in a batch: 0"),
        (["--learning-rate", "-1"], "the learning rate must be positive: -1.0"),
        (["--name", "a/b"], "letters, digits, dots, - and _ make a name or version: 'a/b'"),
        (["--licence", ""], "--data needs a --licence"),
        (["--from", "absent.safetensors"], "absent.safetensors does not exist"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    options: list[str], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option that is ignored in silence is a wrong result later."""
    assert main(command(data, tmp_path / "mine", *options)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"off-tanet: {message}")


@pytest.mark.parametrize("option", [["--from", "shipped"], ["--resume"], ["--epochs", "3"]])
def test_options_of_own_data_need_data(
    option: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--output", str(tmp_path / "w"), *option]) == 2
    assert f"{option[0]} is for training with --data" in capsys.readouterr().err


def test_a_head_takes_no_options_of_a_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own are fixed: what is ignored in silence would be believed."""
    wanted = ["train", "--output", str(tmp_path / "w"), "--head-of", "x", "--pairs", "9"]
    assert main(wanted) == 2
    assert capsys.readouterr().err == "off-tanet: --pairs is not for --head-of\n"


def changed(**columns: Any) -> ClipFlows:
    made = clips(2)
    return dataclasses.replace(made, columns={**made.columns, **columns})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([clips(1)], "training needs two people"),
        ([changed(label=np.zeros(8, np.int64))], "no clip is of the class mouth"),
        (
            [changed(clip=np.full(8, "a"), subject=np.full(8, "1"))],
            "1 of the clips are given twice",
        ),
        ([clips(), clips()], "16 of the clips are given twice, such as clip0 of made/000"),
        ([clips(), clips(2, ("a", "b", "c", "d"), "samm")], "has the classes a, b, c, d"),
        ([clips(2, ("a.b", "c", "d", "e"))], "names of classes are letters, digits and marks"),
    ],
    ids=["one person", "no clip", "twice", "twice in two files", "other classes", "bad names"],
)
def test_data_that_cannot_be_trained_on_are_refused(
    files: list[ClipFlows], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before any training: each would give a model that is worse than it looks."""
    paths = [tmp_path / f"{number}.npz" for number in range(len(files))]
    for file, path in zip(files, paths, strict=True):
        save_flows(file, path)
    assert main(command(paths, tmp_path / "mine")) == 2
    assert message in capsys.readouterr().err


def test_maps_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scaled maps have lost the motion that recipes need."""
    save_flows(clips(), tmp_path / "maps.npz", map_size=28)
    assert main(command(tmp_path / "maps.npz", tmp_path / "mine")) == 2
    assert "has no flows: read the database without --maps" in capsys.readouterr().err
