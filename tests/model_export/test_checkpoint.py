"""Checkpoints: ours are read as written, published names are known, bad files are refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from off_tanet_export.checkpoint import METADATA_KEY, Checkpoint, load, published_names, save
from off_tanet_export.errors import CheckpointError
from off_tanet_export.graph import PUBLISHED, PreprocessingConfig
from off_tanet_export.network.model import OffTanet
from torch import Tensor

from tests.model_export import examples
from tests.support.shared import shared


def test_our_checkpoints_are_read_as_written(tmp_path: Path) -> None:
    """Export reads what training wrote: weights and metadata."""
    saved = examples.checkpoint()
    save(saved, tmp_path / "a.safetensors")
    loaded = load(tmp_path / "a.safetensors")
    assert (loaded.card, loaded.preprocessing) == (saved.card, saved.preprocessing)
    assert not loaded.network.training
    for name, tensor in saved.network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor), name


def test_the_head_for_expressive_is_kept_apart(tmp_path: Path) -> None:
    """The published network keeps its names and its number of parameters."""
    saved = examples.checkpoint(expressive=True)
    save(saved, tmp_path / "a.safetensors")
    loaded = load(tmp_path / "a.safetensors")
    assert loaded.network.size == 59_403
    assert loaded.expressive is not None
    assert saved.expressive is not None
    state = loaded.expressive.state_dict()
    for name, tensor in saved.expressive.state_dict().items():
        assert torch.equal(state[name], tensor), name
    assert load_without_head(tmp_path).expressive is None


def load_without_head(folder: Path) -> Checkpoint:
    save(examples.checkpoint(), folder / "b.safetensors")
    return load(folder / "b.safetensors")


def test_equal_checkpoints_make_equal_files(tmp_path: Path) -> None:
    """Training again on the same machine shows no difference in version control."""
    for name in ("a", "b"):
        save(examples.checkpoint(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_published_weights_are_recognised_by_their_names(tmp_path: Path) -> None:
    """They keep their own strain and scale; with ours the answers would be silently wrong."""
    torch.save(examples.published_state(), tmp_path / "any.name")
    loaded = load(tmp_path / "any.name")
    assert loaded.preprocessing == PUBLISHED != PreprocessingConfig()
    assert loaded.card.licence == "GPL-3.0"
    for name, tensor in examples.network().state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor), name


def test_published_names_are_the_authors() -> None:
    """Every name of the real file, and no other."""
    real = torch.load(shared("off_tanet_2021/LOSO1_60epoch.pth"), weights_only=True)
    ours = {part for name in OffTanet().state_dict() for part in published_names(name)}
    assert ours == set(real)


def test_heads_are_joined_in_order() -> None:
    """Query, key and value have equal shapes, so only their names tell them apart."""
    assert published_names("triplet.itself.key.bias") == tuple(
        f"eres.sa.sa_blocks.{head}.w_k.bias" for head in range(4)
    )


def ours(change: Callable[[dict[str, Tensor]], object], about: str | None = None) -> bytes:
    """Our file with its tensors changed, or with other metadata."""
    state = dict(examples.network().state_dict())
    change(state)
    fine = json.dumps({"card": {**CARD_FIELDS}, "recipe": {}})
    return safetensors.torch.save(state, {METADATA_KEY: fine if about is None else about})


def published(change: Callable[[dict[str, Tensor]], object], path: Path) -> bytes:
    """A published file with its tensors changed."""
    state = examples.published_state()
    change(state)
    torch.save(state, path)
    return path.read_bytes()


class Malice:
    """A pickle that would run a command."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("exit 1",)


CARD_FIELDS = {"name": "n", "version": "1", "licence": "l", "training_data": "t"}
NAN = {"stem.0.bias": torch.full((8,), float("nan"))}
NOTHING = dict[str, Tensor].copy

BAD: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda _: b"", "is empty"),
    "text": (lambda _: b"no weights, but words", "not a checkpoint"),
    "safetensors cut short": (lambda _: ours(NOTHING)[:-100], "damaged"),
    "header cut short": (lambda _: ours(NOTHING)[:50], "damaged"),
    "no metadata": (lambda _: safetensors.torch.save(examples.network().state_dict()), "metadata"),
    "foreign metadata": (lambda _: ours(NOTHING, about="[]"), "metadata"),
    "metadata that is no JSON": (lambda _: ours(NOTHING, about="{"), "metadata"),
    "a preprocessing of no sense": (
        lambda _: ours(NOTHING, json.dumps({"card": CARD_FIELDS, "recipe": {"map_size": 27}})),
        "metadata",
    ),
    "an unknown variant": (
        lambda _: ours(NOTHING, json.dumps({"card": CARD_FIELDS, "recipe": {}, "variant": "x"})),
        "metadata",
    ),
    "a tensor missing": (
        lambda _: ours(lambda s: s.pop("head.7.bias")),
        "is missing tensors: head.7",
    ),
    "a tensor too many": (
        lambda _: ours(lambda s: s.update(extra=torch.zeros(1))),
        "unknown tensors: extra",
    ),
    "half a head for expressive": (
        lambda _: ours(lambda s: s.update({"expressive.layers.2.bias": torch.zeros(1)})),
        "is missing tensors: expressive.layers.0.bias",
    ),
    "a wrong shape": (
        lambda _: ours(lambda s: s.update({"head.7.bias": torch.zeros(4)})),
        r"head.7.bias has shape \(4,\) instead of \(3,\)",
    ),
    "not a number": (lambda _: ours(lambda s: s.update(NAN)), "stem.0.bias contains values"),
    "pth cut short": (lambda p: published(NOTHING, p)[:-200], "not a checkpoint or is damaged"),
    "pth with a tensor missing": (
        lambda p: published(lambda s: s.pop("eres.spa.conv1.weight"), p),
        "is missing tensors: eres.spa.conv1.weight",
    ),
    "pth with many missing": (
        lambda p: published(lambda s: [s.pop(k) for k in list(s) if "sa_blocks" in k], p),
        "and 21 more",
    ),
    "pth of a larger network": (
        lambda p: published(lambda s: s.update(fc=torch.zeros(1)), p),
        "unknown tensors: fc",
    ),
    "pth with a wrong head": (
        lambda p: published(
            lambda s: s.update({"eres.sa.sa_blocks.2.w_q.bias": torch.zeros(9)}), p
        ),
        r"sa_blocks.2.w_q.bias has shape \(9,\) instead of \(7,\)",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    """A user who exports a model of their own needs the reason, not a stack trace."""
    make, message = BAD[kind]
    path = tmp_path / "bad"
    path.write_bytes(make(tmp_path / "made"))
    with pytest.raises(CheckpointError, match=message) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_reported(tmp_path: Path) -> None:
    """A mistyped path is the most common mistake."""
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(CheckpointError, match="does not exist"):
            load(path)


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    """A downloaded `.pth` must not be able to run a command."""
    torch.save({"weights": Malice()}, tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        load(tmp_path / "bad.pth")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_may_be_wrapped(prefix: str, tmp_path: Path) -> None:
    """Many programs save more than weights, and those for several GPUs lengthen the names."""
    state = {prefix + name: tensor for name, tensor in examples.published_state().items()}
    torch.save({"state_dict": state, "epoch": 60}, tmp_path / "wrapped.pth")
    torch.save(examples.published_state(), tmp_path / "plain.pth")
    found, expected = (load(tmp_path / f"{name}.pth") for name in ("wrapped", "plain"))
    assert found.card == expected.card
    theirs = expected.network.state_dict()
    for name, tensor in found.network.state_dict().items():
        assert torch.equal(tensor, theirs[name])


def test_a_file_with_more_than_tensors_is_refused(tmp_path: Path) -> None:
    """The message says so, and lists no unknown names."""
    torch.save({"model": examples.published_state(), "epoch": 60}, tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match="not a state dict"):
        load(tmp_path / "bad.pth")
