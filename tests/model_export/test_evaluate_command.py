"""`evaluate` on files of flows: protocols, predictions as CSV, comparisons, weights of others."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from off_tanet_export.checkpoint import load, save
from off_tanet_export.commands import main
from off_tanet_export.datasets.clip_flows import ClipFlows, save_flows
from off_tanet_export.evaluation.predictions import read_predictions
from off_tanet_export.training.recipes import recipe

from tests.model_export import examples

THREE = ("negative", "positive", "surprise")
SEVEN = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
QUICK = ["--epochs", "1", "--part", "head", "--seeds", "1", "--processes", "1"]


def write(
    path: Path, database: str, people: int = 3, classes: Sequence[str] = THREE, seed: int = 0
) -> Path:
    """Four clips of each person; where the face moves tells the class."""
    rng = np.random.default_rng(seed)
    count = 4 * people
    labels = np.arange(count) % len(classes)
    flows = 0.05 * rng.normal(size=(count, 2, 112, 112)).astype(np.float32)
    for flow, label in zip(flows, labels, strict=True):
        flow[:, 16 * label : 16 * label + 16] += 1
    columns = {
        "dataset": np.full(count, database),
        "subject": np.repeat(np.arange(people).astype(str), 4),
        "clip": np.array([f"c{number}" for number in range(count)]),
        "emotion": np.array(classes)[labels],
        "onset": np.zeros(count, np.int64),
        "apex": np.ones(count, np.int64),
        "label": labels,
    }
    save_flows(ClipFlows(flows, columns, tuple(classes)), path)
    return path


def evaluate(*arguments: object) -> int:
    return main(["evaluate", *map(str, arguments)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_published_weights_are_scored_on_flows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They take raw flow, of which maps have neither zero nor unit."""
    data = write(tmp_path / "a.npz", "CASME II")
    state = {f"module.{name}": tensor for name, tensor in examples.published_state().items()}
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    out = tmp_path / "p.csv"
    assert evaluate("--data", data, "--checkpoint", tmp_path / "w.pth", "--predictions", out) == 0
    assert "face displaced" not in capsys.readouterr().out
    classifier = load(tmp_path / "w.pth").classifier()
    with np.load(data) as file, torch.inference_mode():
        expected = classifier(torch.from_numpy(file["flow"].astype(np.float32)))[0].numpy()
    np.testing.assert_allclose(read_predictions(out).probabilities, expected, atol=1e-6)


def test_predictions_have_a_line_for_each_clip_and_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever wants another score computes it of these."""
    data = [write(tmp_path / "a.npz", "CASME II"), write(tmp_path / "b.npz", "SAMM", seed=1)]
    out = tmp_path / "p.csv"
    quick = [*QUICK[:-4], "--seeds", "2", "--processes", "1"]
    assert evaluate("--data", *data, "--protocol", "loso", *quick, "--predictions", out) == 0
    found = rows(out)
    assert len(found) == 2 * 24
    assert {row["fold"] for row in found} == {
        f"{name}/{number:03}" for name in ("casme2", "samm") for number in range(3)
    }
    first = found[0]
    assert list(first) == [
        *("database", "person", "clip", "truth", "prediction", "fold", "seed"),
        *(f"probability.{name}" for name in THREE),
    ]
    assert (first["database"], first["person"], first["clip"]) == ("casme2", "casme2/000", "c0")
    shares = {name: float(first[f"probability.{name}"]) for name in THREE}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
    assert first["prediction"] == max(shares, key=lambda name: shares[name])
    right = np.mean([row["truth"] == row["prediction"] for row in found])
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("pooled"))
    assert float(line.split()[-1]) == pytest.approx(right, abs=5e-4)


@pytest.mark.parametrize("protocol", ["loso", "kfold", "cross"])
def test_data_may_have_any_classes(
    protocol: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seven emotions, one of which has no clips: it is named, not dropped in silence."""
    data = [
        write(tmp_path / f"{name}.npz", name, classes=SEVEN, people=people, seed=people)
        for name, people in (("a", 1), ("b", 3))
    ]
    assert evaluate("--data", *data, "--protocol", protocol, "--folds", 2, *QUICK) == 0
    shown = capsys.readouterr().out
    assert all(f"\n{name} " in shown for name in SEVEN)
    missing = "a: no clip is happiness or sadness or surprise; UF1 and UAR are of the other classes"
    assert (missing in shown) or protocol == "cross"
    assert ("a -> b" in shown) == (protocol == "cross")
    assert "as scikit-learn" in shown


def test_other_classes_than_the_weights_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The third of three classes is not the third of seven; nor are two files of different ones."""
    data = write(tmp_path / "a.npz", "a", classes=SEVEN)
    save(examples.checkpoint(), tmp_path / "w")
    three = write(tmp_path / "b.npz", "b")
    residual = ["--protocol", "loso", "--part", "residual-linear", "--processes", 1]
    for arguments, message in (
        (["--data", data, "--checkpoint", tmp_path / "w"], "weights are for the classes negative"),
        (["--data", data, *residual, "--from", tmp_path / "w"], "are for the classes negative"),
        (["--data", data, three, "--checkpoint", tmp_path / "w"], "b.npz are not anger"),
    ):
        assert evaluate(*arguments) == 2
        assert message in capsys.readouterr().err


def test_the_score_is_of_the_training_that_train_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shipped weights, a new last layer for other classes, the head alone: as `train --data`."""
    data, results = write(tmp_path / "a.npz", "a", people=2, classes=SEVEN), tmp_path / "results"
    command = ["--protocol", "loso", "--from", "shipped", "--seeds", 1, "--processes", 1]
    assert evaluate("--data", data, *command, "--epochs", 2, "--results", results, "--json") == 0
    assert set(json.loads(capsys.readouterr().out)["scores"]["confusion"]) == set(SEVEN)
    about = json.loads((results / "configuration.json").read_text())["training"]
    expected = asdict(recipe("head", random=False, known=False))
    assert {name: about[name] for name in expected} == {**expected, "epochs": 2}


def test_a_command_goes_on_with_its_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same command reads all folds; another one does not mix with them."""
    data, results = write(tmp_path / "a.npz", "a"), tmp_path / "results"
    command = ["--data", data, "--protocol", "kfold", "--folds", "3", "--results", results, *QUICK]
    assert evaluate(*command) == 0
    shown = capsys.readouterr()
    assert len(list(results.glob("run0_fold*.npz"))) == 3
    assert evaluate(*command) == 0
    again = capsys.readouterr()
    assert again.out == shown.out
    assert "0fold [00:00" in again.err
    assert evaluate(*command, "--epochs", "2") == 2
    assert "of another configuration: training changed" in capsys.readouterr().err


def test_the_papers_recipe_trains_on_raw_flow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A few of its epochs suffice for classes that can be seen; maps have no unit for it."""
    data = write(tmp_path / "a.npz", "a", people=2)
    command = ["--protocol", "loso", "--recipe", "paper", "--seeds", 1, "--processes", 1]
    assert evaluate("--data", data, *command, "--epochs", 1, "--json") == 0
    assert json.loads(capsys.readouterr().out)["scores"]["n"] == 8
    maps = tmp_path / "maps.npz"
    rng = np.random.default_rng(0)
    np.savez(
        maps, maps=rng.integers(0, 256, (4, 28, 28, 3), dtype=np.uint8), label=np.arange(4) % 3,
        dataset=np.full(4, "a"), subject=np.arange(4) // 2, classes=np.array(THREE),
    )  # fmt: skip
    assert evaluate("--data", maps, *command) == 2
    assert "takes maps of 112 x 112 in raw pixels" in capsys.readouterr().err


def test_scores_of_several_files_have_the_names_of_all(tmp_path: Path) -> None:
    """Under the first name alone, they would be taken for those of one database."""
    data = [write(tmp_path / "a.npz", "a"), write(tmp_path / "b.npz", "b", seed=1)]
    save(examples.checkpoint(), tmp_path / "w")
    assert evaluate("--data", *data, "--checkpoint", tmp_path / "w", "--record") == 0
    assert set(load(tmp_path / "w").card.scores) == {"nothing", "a + b"}


def test_options_that_would_be_ignored_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variant beside weights, which have one of their own; results of no training."""
    data = write(tmp_path / "a.npz", "a")
    save(examples.checkpoint(), tmp_path / "w")
    weights = ["--data", data, "--from", tmp_path / "w"]
    for options, message in (
        ([*weights, "--protocol", "loso", "--variant", "cbam"], "--from has its own"),
        ([*weights, "--results", tmp_path / "r"], "protocols that train"),
        ([*weights, "--predictions", tmp_path / "none" / "p.csv"], "does not exist"),
        (["--protocol", "loso"], "needs --data"),
        (["--data", data, "--protocol", "loso", "--seeds", "0"], "--seeds must be at least 1"),
        (["--data", data, "--protocol", "cross", *QUICK], "another needs two"),
    ):
        assert evaluate(*options) == 2
        assert message in capsys.readouterr().err


def test_the_papers_protocol_says_what_differs_and_prints_its_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever has other clips than the paper must not compare in silence."""
    data = [
        write(tmp_path / f"{name}.npz", name, people=1, seed=seed)
        for seed, name in enumerate(("CASME", "casme2", "CAS(ME)^2", "samm"))
    ]
    out = tmp_path / "p.csv"
    command = ["--protocol", "paper", "--variant", "cbam", "--seeds", 1, "--epochs", 1]
    assert evaluate("--data", *data, *command, "--processes", 1, "--predictions", out) == 0
    shown = capsys.readouterr().out
    differs = shown.partition("\n\n")[0].splitlines()
    assert differs == [
        "These are not the clips of the paper:",
        "databases too many: samm",
        "clips: 16 instead of 294",
        "people: 4 instead of 49",
        "negative: 8 instead of 194",
        "positive: 4 instead of 48",
        "surprise: 4 instead of 52",
    ]
    row = next(line for line in shown.splitlines() if line.startswith("cbam "))
    assert row.split()[1] == "56,967"
    assert "always negative" in shown
    assert len(rows(tmp_path / "p_cbam.csv")) == 16
