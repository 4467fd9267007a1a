"""`evaluate --compare`: two files of predictions, clip by clip."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.model_export.test_evaluate_command import evaluate


def predictions_file(path: Path, share: float, seed: int = 0, **changes: Any) -> Path:
    """Predictions of ten people with this share of right ones."""
    rng = np.random.default_rng(seed)
    lines = ["database,person,clip,truth,prediction,fold,seed," +
             ",".join(f"probability.{name}" for name in changes.get("classes", "abc"))]  # fmt: skip
    for number in range(changes.get("clips", 80)):
        truth = number % 3
        said = truth if rng.random() < share else (truth + 1) % 3
        shares = ",".join("0.9" if at == said else "0.05" for at in range(3))
        person = f"d/{number // 8:03}"
        lines.append(f"d,{person},c{number},{'abc'[truth]},{'abc'[said]},{person},0,{shares}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_two_runs_are_compared_clip_by_clip(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A large difference is seen, none between a run and itself."""
    poor, good = (
        predictions_file(tmp_path / f"{share}.csv", share, seed)
        for seed, share in enumerate((0.4, 0.9))
    )
    assert evaluate("--compare", poor, good, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["subjects"]) == (80, 10)
    assert found["uf1"]["interval"][0] > 0
    assert found["uf1"]["difference"] == found["uf1"]["after"] - found["uf1"]["before"]
    assert found["mcnemar"]["p"] < 1e-6
    assert evaluate("--compare", poor, poor) == 0
    assert "+0.000 to +0.000" in capsys.readouterr().out


def test_classes_may_stand_in_another_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever trained elsewhere has other columns; other classes are another task."""
    first = predictions_file(tmp_path / "a.csv", 0.6)
    rows = list(csv.reader(first.read_text().splitlines()))
    for name, places in (("b.csv", (9, 7, 8)), ("c.csv", (7, 8))):
        order = [*range(7), *places]
        lines = [",".join(row[place] for place in order) for row in rows]
        kept = [lines[0], *(line for line in lines[1:] if ",c," not in line)]
        (tmp_path / name).write_text("\n".join(kept if name == "c.csv" else lines))
    assert evaluate("--compare", first, tmp_path / "b.csv", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["mcnemar"] == {"before_alone": 0, "after_alone": 0, "p": 1.0}
    assert found["uar"]["difference"] == 0
    assert evaluate("--compare", first, tmp_path / "c.csv") == 2
    assert "the classes differ: a, b, c and a, b" in capsys.readouterr().err


def test_only_the_same_clips_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A better score on easier clips is no better score."""
    first = predictions_file(tmp_path / "a.csv", 0.5)
    fewer = predictions_file(tmp_path / "b.csv", 0.5, clips=79)
    other = predictions_file(tmp_path / "c.csv", 0.5, classes="abd")
    twice = tmp_path / "d.csv"
    twice.write_text(first.read_text() + first.read_text().splitlines()[1] + "\n")
    for after, message in (
        (fewer, "1 clips are in one of the runs only, such as c79 of d/009 (d)"),
        (other, "a class, a seed or a probability cannot be read"),
        (twice, "predicted more than once in a run"),
        (tmp_path / "none.csv", "does not exist"),
    ):
        assert evaluate("--compare", first, after) == 2
        assert message in capsys.readouterr().err
