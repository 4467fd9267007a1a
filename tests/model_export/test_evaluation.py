"""`evaluate` of a checkpoint, and flow maps as read from disk."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from off_tanet.types import CLASSES
from off_tanet_export.checkpoint import load, save
from off_tanet_export.commands import main
from off_tanet_export.datasets.flow_maps import load_maps
from off_tanet_export.errors import CheckpointError, MapsError
from off_tanet_export.evaluation.evaluate import evaluate
from off_tanet_export.graph import PUBLISHED
from off_tanet_export.inference import predict
from off_tanet_export.metrics import confusion, uf1

from tests.model_export import examples


def data(count: int = 12) -> dict[str, Any]:
    """Random arrays of a maps file."""
    rng = np.random.default_rng(0)
    return {
        "maps": rng.integers(0, 256, (count, 28, 28, 3), dtype=np.uint8),
        "label": rng.integers(0, 3, count).astype(np.uint8),
        "dataset": np.array(["one", "two"] * (count // 2)),
        "subject": np.arange(count) // 4,
        "classes": np.array(CLASSES),
    }


def test_evaluation_reports_each_dataset_and_the_pool(tmp_path: Path) -> None:
    """A pooled score hides a dataset on which the model fails."""
    np.savez(tmp_path / "maps.npz", **data())
    maps, checkpoint = load_maps(tmp_path / "maps.npz"), examples.checkpoint()
    scores = evaluate(checkpoint, maps)
    counts = confusion(maps.labels, predict(checkpoint, maps.maps).argmax(1))
    assert (scores["n"], scores["subjects"]) == (12, 6)
    assert scores["uf1"] == uf1(counts)
    assert {name: part["n"] for name, part in scores["per_dataset"].items()} == {"one": 6, "two": 6}
    assert [list(row.values()) for row in scores["confusion"].values()] == counts.tolist()
    assert tuple(scores["confusion"]) == CLASSES


def test_maps_have_the_order_of_the_network(tmp_path: Path) -> None:
    """The file has channels last and bytes; the network needs channels first and 0..1."""
    arrays = data()
    np.savez(tmp_path / "maps.npz", **arrays)
    maps = load_maps(tmp_path / "maps.npz").maps
    assert maps.dtype == np.float32
    assert maps[3, 2, 5, 7] == pytest.approx(arrays["maps"][3, 5, 7, 2] / 255)


def test_batches_do_not_change_the_scores() -> None:
    """Each map is scored independently of the others."""
    maps = np.random.default_rng(0).random((4, 3, 28, 28), np.float32)
    together = predict(examples.checkpoint(), maps)
    alone = np.concatenate([predict(examples.checkpoint(), m[None]) for m in maps])
    np.testing.assert_allclose(together, alone, atol=1e-5)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another size": ({"maps": np.zeros((12, 27, 28, 3), np.uint8)}, "instead of uint8"),
    "another type": ({"maps": np.zeros((12, 28, 28, 3))}, "instead of uint8"),
    "no maps": ({"maps": np.zeros((0, 28, 28, 3), np.uint8)}, "instead of uint8"),
    "labels too few": ({"label": np.zeros(11, np.uint8)}, "one label for each"),
    "datasets too few": ({"dataset": np.array(["x"])}, "one dataset for each"),
    "subjects too few": ({"subject": np.array(["x"])}, "one subject for each"),
    "a fourth class": ({"label": np.full(12, 3, np.uint8)}, "indices of the 3 classes"),
}


@pytest.mark.parametrize("kind", BAD)
def test_maps_of_the_wrong_kind_are_refused(kind: str, tmp_path: Path) -> None:
    """Otherwise a meaningless score would be printed."""
    change, message = BAD[kind]
    np.savez(tmp_path / "maps.npz", **{**data(), **change})
    with pytest.raises(MapsError, match=message):
        load_maps(tmp_path / "maps.npz")


def test_weights_for_another_kind_of_map_are_refused() -> None:
    """The published checkpoint needs raw flow: on scaled maps its score would be wrong."""
    published = dataclasses.replace(examples.checkpoint(), preprocessing=PUBLISHED)
    with pytest.raises(CheckpointError, match="112 x 112 in raw pixels"):
        predict(published, np.zeros((1, 3, 28, 28), np.float32))


def test_files_that_are_not_maps_are_refused(tmp_path: Path) -> None:
    """Missing, not an archive, truncated, an array missing: one sentence each."""
    np.savez(tmp_path / "whole.npz", **data())
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "text.npz").write_text("words")
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.npz").write_bytes(b"")
    np.savez(tmp_path / "lacking.npz", maps=data()["maps"])
    np.save(tmp_path / "array.npy", data()["maps"])
    for name, message in {
        "absent.npz": "does not exist",
        "text.npz": "damaged",
        "cut.npz": "damaged",
        "empty.npz": "damaged",
        "lacking.npz": "is missing an array: label",
        "array.npy": "damaged",
    }.items():
        with pytest.raises(MapsError, match=message) as caught:
            load_maps(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_the_command_prints_json_and_records_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed, recorded in the card and measured is the same."""
    np.savez(tmp_path / "dev.npz", **data())
    save(examples.checkpoint(), tmp_path / "c.safetensors")
    arguments = ["--checkpoint", str(tmp_path / "c.safetensors"), "--maps"]
    assert main(["evaluate", *arguments, str(tmp_path / "dev.npz"), "--json", "--record"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    recorded = load(tmp_path / "c.safetensors")
    assert recorded.card.scores == {**examples.CARD.scores, "dev": scores}
    assert dataclasses.replace(recorded.card, scores=examples.CARD.scores) == examples.CARD


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json: the pooled scores are in the last row."""
    np.savez(tmp_path / "dev.npz", **data())
    save(examples.checkpoint(), tmp_path / "c")
    main(["evaluate", "--checkpoint", str(tmp_path / "c"), "--maps", str(tmp_path / "dev.npz")])
    printed = capsys.readouterr().out
    scores = evaluate(load(tmp_path / "c"), load_maps(tmp_path / "dev.npz"))
    pooled = next(line for line in printed.splitlines() if line.startswith("pooled"))
    low, high = scores["uf1_interval"]
    assert pooled.split()[:4] == ["pooled", "12", f"{scores['uf1']:.3f}", f"{low:.3f}-{high:.3f}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "runs"),
    [
        (["--part", "residual-linear", "--from", "a", "b"], 2),
        (["--part", "head", "--epochs", "1", "--seeds", "3", "--from", "a"], 3),
        (["--part", "all", "--epochs", "1", "--seeds", "1", "--variant", "residual"], 1),
    ],
    ids=["starts are runs", "seeds are runs", "from nothing"],
)
def test_the_command_leaves_one_subject_out(
    options: list[str],
    runs: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From one start, several or none: as many scores as runs."""
    monkeypatch.chdir(tmp_path)
    np.savez("dev.npz", **data())
    for seed, name in enumerate("ab"):
        save(examples.checkpoint(seed), Path(name))
    assert main(["evaluate", "--protocol", "loso", "--maps", "dev.npz", "--json", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["protocol"] == "loso"
    assert len(report["scores"]["runs"]) == runs
    assert "linear, loso" in report["baselines"]


def test_impossible_options_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the minutes that a protocol takes."""
    np.savez(tmp_path / "dev.npz", **data())
    save(examples.checkpoint(), tmp_path / "c")
    maps, weights = ["--maps", str(tmp_path / "dev.npz")], str(tmp_path / "c")
    for options, message in {
        ("--protocol", "loso", "--part", "residual-linear"): "needs a network",
        ("--protocol", "loso", "--from", weights, "--record"): "needs --protocol fixed",
        ("--checkpoint", weights, weights, "--record"): "needs exactly one checkpoint",
        (): "needs a --checkpoint",
    }.items():
        assert main(["evaluate", *maps, *options]) == 2
        assert message in capsys.readouterr().err
