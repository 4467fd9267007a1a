"""`train --data`: a final model of one's own clips, its card, and a run that was stopped."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from off_tanet_export import shipped
from off_tanet_export.checkpoint import Checkpoint, load, save
from off_tanet_export.commands import main
from off_tanet_export.datasets.clip_flows import ClipFlows, save_flows
from off_tanet_export.graph import PUBLISHED
from off_tanet_export.training.final import held_out_groups, soft_targets, with_classes
from off_tanet_export.training.trainer import Epoch, Trainer

from tests.model_export import examples

CLASSES = ("Stirn", "mouth", "cheek 2", "chin")
ABOUT = {"database": "made", "scheme": "custom", "cropped": True, "path": "not for the card"}


def clips(people: int = 4, classes: tuple[str, ...] = CLASSES, database: str = "made") -> ClipFlows:
    """Each person has a clip of each class, which shows in the rows of the face that move."""
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(len(classes)), people)
    flows = 0.05 * rng.normal(size=(len(labels), 2, 112, 112)).astype(np.float32)
    height = 112 // len(classes)
    for flow, label in zip(flows, labels, strict=True):
        flow[1, height * label : height * (label + 1), 20:90] -= 2
    names = np.array([f"clip{number}" for number in range(len(labels))])
    made = {name: np.full(len(labels), name) for name in ("emotion",)}
    return ClipFlows(
        flows,
        {
            "dataset": np.full(len(labels), database),
            "subject": np.repeat([f"sub{person:02}" for person in range(people)], len(classes)),
            "clip": names,
            "onset": np.zeros(len(labels), np.int64),
            "apex": np.full(len(labels), 5),
            "label": labels,
            **made,
        },
        classes,
        ABOUT | {"database": database},
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    save_flows(clips(), tmp_path / "made.npz")
    return tmp_path / "made.npz"


def command(data: Path | Sequence[Path], output: Path, *options: str) -> list[str]:
    files = map(str, [data] if isinstance(data, Path) else data)
    named = ["train", "--data", *files, "--output", str(output), "--licence", "research only"]
    return [*named, *options]


def trained(data: Path | Sequence[Path], output: Path, *options: str) -> Checkpoint:
    assert main(command(data, output, *options)) == 0
    return load(output)


def share_right(checkpoint: Checkpoint, made: ClipFlows) -> float:
    with torch.inference_mode():
        probabilities, *_ = checkpoint.classifier()(torch.from_numpy(made.flows))
    assert probabilities.shape == (len(made.labels), len(made.classes))
    return float((probabilities.argmax(1).numpy() == made.labels).mean())


def test_any_classes_are_learned_from_the_shipped_weights(data: Path, tmp_path: Path) -> None:
    """Four classes with names of their own; only the last layers are trained."""
    made = trained(data, tmp_path / "mine.safetensors", "--epochs", "30", "--learning-rate", "0.01")
    assert made.card.classes == CLASSES
    assert share_right(made, clips()) > 0.9
    stem = shipped.load_shipped().network.stem.state_dict()
    assert all(torch.equal(stem[name], made.network.stem.state_dict()[name]) for name in stem)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--recipe", "paper")], ids=["default", "paper"])
def test_any_classes_are_learned_from_nothing(
    options: tuple[str, ...], data: Path, tmp_path: Path
) -> None:
    """Also by the paper's recipe, which has raw maps and another strain."""
    rates = ["--from", "nothing", "--epochs", "12", "--batch", "4"]
    made = trained(data, tmp_path / "mine.safetensors", *rates, *options)
    assert share_right(made, clips()) > 0.5
    expected = PUBLISHED if options else examples.checkpoint().preprocessing
    assert dataclasses.replace(made.preprocessing, temperature=1.0) == expected


def test_half_precision_is_chosen_and_recorded(data: Path, tmp_path: Path) -> None:
    """Matrix products in bfloat16; the weights stay float32, and differ from those without it."""
    options = ("--epochs", "1", "--part", "all", "--name", "same")
    half = trained(data, tmp_path / "half", *options, "--precision", "bfloat16")
    full = trained(data, tmp_path / "full", *options)
    assert half.card.training["recipe"]["half"]
    stems = [one.network.state_dict()["stem.0.weight"] for one in (half, full)]
    assert all(stem.isfinite().all() and stem.dtype == torch.float32 for stem in stems)
    assert not torch.equal(*stems)


def test_the_card_says_what_was_trained_on_and_no_more(data: Path, tmp_path: Path) -> None:
    """A model of recordings must not carry the claims, scores or licence of its start."""
    other = clips(2, CLASSES[::-1], "samm")
    save_flows(other, tmp_path / "samm.npz")
    options = ("--epochs", "1", "--name", "ours", "--version", "0.3")
    card = trained([data, tmp_path / "samm.npz"], tmp_path / "mine", *options).card
    assert (card.name, card.version, card.licence) == ("ours", "0.3", "research only")
    assert card.scores == {}
    counts = ", ".join(f"6 {name}" for name in CLASSES)
    assert card.training_data == (
        "recordings of 6 people: made (16 clips of 4 people), samm (8 clips of 2 people); "
        f"{counts}; started from off-tanet 1.0.0 (Apache-2.0)"
    )
    assert card.training["data"]["samm"] == {
        "clips": 8, "people": 2, "classes": dict.fromkeys(CLASSES, 2),
    }  # fmt: skip
    assert card.training["recipe"]["epochs"] == 1
    start = shipped.load_shipped().card.training
    assert card.training["expressive"] == start["expressive"]  # of the head that was kept
    assert "no recording" not in json.dumps(dataclasses.asdict(card))
    assert "not for the card" not in json.dumps(dataclasses.asdict(card))


def test_a_model_of_people_stays_one_when_it_is_trained_again(data: Path, tmp_path: Path) -> None:
    """Whoever gets the second model has to know of the first one's people."""
    first = trained(data, tmp_path / "first", "--epochs", "1")
    save_flows(clips(2, CLASSES, "samm"), tmp_path / "samm.npz")
    again = ("--epochs", "1", "--from", str(tmp_path / "first"))
    card = trained(tmp_path / "samm.npz", tmp_path / "second", *again).card
    assert card.databases == {"made", "samm"}
    assert card.training_data.startswith("recordings of 2 people: samm")
    assert card.training_data.endswith(f"trained on {first.card.training_data}")


@pytest.mark.parametrize("protocol", ["fixed", "loso"])
def test_scores_on_people_who_were_trained_on_are_said_to_be_too_high(
    protocol: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The most flattering number that one can get by mistake; it cannot enter a card."""
    trained(data, tmp_path / "mine", "--epochs", "1")
    scored = ["evaluate", "--data", str(data), "--checkpoint", str(tmp_path / "mine")]
    options = ["--protocol", protocol, "--epochs", "1", "--part", "head", "--processes", "1"]
    assert main([*scored, *options, "--seeds", "1"]) == 0
    said = "mine unreleased was trained on recordings of made"
    assert f"{said}: the scores are too high\n" in capsys.readouterr().err
    assert main([*scored, "--record"]) == 2
    assert f"--record: {said}\n" in capsys.readouterr().err


def test_weights_of_people_are_not_calibrated_on_synthetic_motion(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their temperature is that of held-out people."""
    trained(data, tmp_path / "mine", "--epochs", "1")
    assert main(["calibrate", "--checkpoint", str(tmp_path / "mine")]) == 2
    assert "trained on recordings" in capsys.readouterr().err


@pytest.mark.parametrize("stopped_after", [1, 4, 11])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    stopped_after: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit: in the first stage, between two, and in the last one."""
    options = ("--epochs", "3", "--part", "all", "--batch", "8")
    trained(data, tmp_path / "whole", *options)
    run_epoch, epochs = Trainer.run_epoch, 0

    def stopping(self: Trainer) -> Epoch:
        nonlocal epochs
        if epochs == stopped_after:
            raise KeyboardInterrupt
        epochs += 1
        return run_epoch(self)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "run_epoch", stopping)
        with pytest.raises(KeyboardInterrupt):
            main(command(data, tmp_path / "stopped", *options, "--name", "whole"))
    assert not (tmp_path / "stopped").exists()
    trained(data, tmp_path / "stopped", *options, "--name", "whole", "--resume")
    assert (tmp_path / "stopped").read_bytes() == (tmp_path / "whole").read_bytes()
    assert log(tmp_path / "stopped") == log(tmp_path / "whole")
    assert not list(tmp_path.glob("*.state*"))


def log(output: Path) -> list[dict[str, Any]]:
    """The rows of a run's log, without the times."""
    with output.with_name(f"{output.stem}.log.csv").open(newline="") as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


def test_a_run_has_a_log(data: Path, tmp_path: Path) -> None:
    """A row for each epoch of each stage, for whatever draws curves."""
    trained(data, tmp_path / "mine.safetensors", "--epochs", "2")
    rows = log(tmp_path / "mine.safetensors")
    stages = [*(f"without group {number}" for number in range(1, 5)), "all people"]
    assert [row["stage"] for row in rows] == [stage for stage in stages for _ in range(2)]
    assert all(float(row["loss"]) > 0 for row in rows)
    assert rows[0]["learning_rate"] == "0.003"


def test_the_state_of_another_run_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of one training and half of another would be neither."""
    state = tmp_path / "mine.state"
    torch.save({"identity": "", "results": {}, "rows": [], "stage": "", "trainer": None}, state)
    assert main(command(data, tmp_path / "mine", "--resume")) == 2
    assert "is of a run with other data or options" in capsys.readouterr().err
    state.write_bytes(b"half a file")
    assert main(command(data, tmp_path / "mine", "--resume")) == 2
    assert "is damaged: train without --resume" in capsys.readouterr().err.splitlines()[-1]


def test_no_person_is_in_two_groups() -> None:
    """The temperature of people who were trained on would be that of a very sure network."""
    people = np.array(list("aabbccddeeffgg"))
    groups = list(held_out_groups(people, seed=3))
    assert len(groups) == 5
    assert (np.sum(groups, axis=0) == 1).all()
    for person in "abcdefg":
        assert sum(group[people == person].any() for group in groups) == 1


def test_few_clips_are_never_certain() -> None:
    """Platt's targets: one more clip of each class."""
    targets = soft_targets(np.array([0, 0, 0, 1, 2]))
    np.testing.assert_allclose(targets.sum(1), 1)
    np.testing.assert_allclose(targets[0], [4 / 6, 1 / 6, 1 / 6])
    np.testing.assert_allclose(targets[3], [1 / 4, 2 / 4, 1 / 4])


def test_other_classes_get_a_new_last_layer() -> None:
    """The same number of other classes, too: a weight of `negative` says nothing of `fear`."""
    start = examples.checkpoint()
    made = with_classes(start, ("fear", "joy", "awe"), seed=1)
    before, after = start.network.state_dict(), made.network.state_dict()
    differing = {name for name in before if not torch.equal(before[name], after[name])}
    assert differing == {"head.7.weight", "head.7.bias"}
    assert made.card.classes == ("fear", "joy", "awe")
    assert with_classes(start, start.card.classes, seed=0) is start


def test_classes_outlive_a_file(tmp_path: Path) -> None:
    """The weights alone say what their outputs are."""
    made = with_classes(examples.checkpoint(), CLASSES, seed=0)
    save(made, tmp_path / "c")
    assert load(tmp_path / "c").card.classes == CLASSES


def test_synthetic_weights_do_not_claim_to_be_the_shipped_ones(tmp_path: Path) -> None:
    """Two files of one name and version, and users cannot tell which made an answer."""
    output = tmp_path / "seed5.safetensors"
    assert main(["train", "--output", str(output), "--seed", "5", *examples.TINY_TRAINING]) == 0
    card = load(output).card
    assert (card.name, card.version, card.scores) == ("seed5", "unreleased", {})
