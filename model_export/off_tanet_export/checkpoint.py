"""Weights on disk: our safetensors files, and the checkpoint that Off-TANet's authors published.

Ours have a JSON object `off_tanet` in their metadata, with card, preprocessing (`recipe`) and
variant; the names of the tensors of an optional `ExpressiveHead` start with `expressive.`, and
those of a `LinearResidual` with `residual.`. The
published one is a PyTorch state dict, recognised by its tensors' names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import safetensors
import safetensors.torch
import torch
from off_tanet.types import CLASSES, are_class_names
from torch import Tensor, nn

from off_tanet_export.errors import CheckpointError
from off_tanet_export.graph import PUBLISHED, FlowClassifier, PreprocessingConfig
from off_tanet_export.network import residual
from off_tanet_export.network.expressive import PREFIX, ExpressiveHead
from off_tanet_export.network.model import OffTanet
from off_tanet_export.network.residual import LinearResidual

Module = TypeVar("Module", bound=nn.Module)

METADATA_KEY = "off_tanet"
DATA, START = "data", "start"
"""Entries of a card's `training`, of weights that were trained on recordings: the databases, and
the weights from which the training started, with their own entries."""

HEADS = 4
WRAPPER = "module."

RENAMED = {
    "stem": "conv1",
    "residual1.main": "res1.conv",
    "residual1.skip": "res1.botneck",
    "residual2.main": "res2.conv",
    "residual2.skip": "res2.botneck",
    "triplet.skip": "eres.botneck",
    "triplet.first": "eres.conv1",
    "triplet.last": "eres.conv2",
    "triplet.channel.squeeze": "eres.ca.fc1",
    "triplet.channel.excite": "eres.ca.fc2",
    "triplet.spatial": "eres.spa.conv1",
    "head.1": "dense.0",
    "head.4": "dense.3",
    "head.7": "dense.6",
}
"""Our modules' names -> the published ones, except the heads of self-attention (joined here)."""


@dataclass(frozen=True, slots=True)
class Card:
    """A description of a model.

    Attributes:
        name: Name of the model.
        version: Version of the model.
        licence: Licence of the weights.
        training_data: Description of the training data.
        scores: Measured scores, as plain JSON values.
        training: Configuration of the training, as plain JSON values.
        classes: The names of the classes, in the order of the outputs.
    """

    name: str
    version: str
    licence: str
    training_data: str
    scores: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = CLASSES

    @property
    def databases(self) -> frozenset[str]:
        """The databases on which the weights were trained, or those from which they started."""
        entry: Mapping[str, Any] | None = self.training
        found: set[str] = set()
        while entry:
            found |= set(entry.get(DATA, ()))
            entry = entry.get(START)
        return frozenset(found)

    @property
    def trained_on_people(self) -> bool:
        """Whether the weights were trained on recordings."""
        return bool(self.databases)


PUBLISHED_CARD = Card(
    name="off-tanet-published",
    version="2021",
    licence="GPL-3.0",
    training_data="CASME, CASME II and CAS(ME)^2, less one subject (Zhang, Liu, Zhou 2021)",
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network with its weights, its preprocessing and its card, and what may be beside it.

    Attributes:
        network: The network.
        preprocessing: The maps that it takes, and the temperature.
        card: The description.
        expressive: The head for the output `expressive`.
        residual: A linear correction of the probabilities.
    """

    network: OffTanet
    preprocessing: PreprocessingConfig
    card: Card
    expressive: ExpressiveHead | None = None
    residual: LinearResidual | None = None

    def classifier(self) -> FlowClassifier:
        """Return the graph of the checkpoint, in evaluation mode; it shares the network."""
        return FlowClassifier(
            self.network, self.preprocessing, self.expressive, self.residual
        ).eval()


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a safetensors file. Equal checkpoints give equal files."""
    about = {
        "card": asdict(checkpoint.card),
        "recipe": asdict(checkpoint.preprocessing),  # the key in files that exist
        "variant": checkpoint.network.variant,
    }
    metadata = {METADATA_KEY: json.dumps(about, sort_keys=True)}
    tensors = checkpoint.network.state_dict()
    for prefix, module in ((PREFIX, checkpoint.expressive), (residual.PREFIX, checkpoint.residual)):
        if module is not None:
            found = module.state_dict()
            tensors |= {prefix + name: tensor for name, tensor in found.items()}
    safetensors.torch.save_file(tensors, path, metadata)


def load(path: Path) -> Checkpoint:
    """Read either kind of file. The network is in evaluation mode.

    Raises:
        CheckpointError: The file is missing, damaged or not an Off-TANet checkpoint.
    """
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist")
    with path.open("rb") as file:
        start = file.read(9)
    if not start:
        raise CheckpointError(f"{path} is empty")
    return _load_ours(path) if start.endswith(b"{") else _load_published(path)


def _load_ours(path: Path) -> Checkpoint:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is a damaged safetensors file") from error
    try:
        about = json.loads(metadata[METADATA_KEY])
        card, preprocessing = _read_card(about["card"]), PreprocessingConfig(**about["recipe"])
        network = OffTanet(about.get("variant", "triplet"), len(card.classes))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has no metadata of an Off-TANet model") from error
    expressive = _part(ExpressiveHead(), PREFIX, tensors, path)
    correction = _part(LinearResidual(len(card.classes)), residual.PREFIX, tensors, path)
    names = {name: (name,) for name in network.state_dict()}
    network = _assemble(network, tensors, names, path)
    return Checkpoint(network, preprocessing, card, expressive, correction)


def _part(module: Module, prefix: str, tensors: dict[str, Tensor], path: Path) -> Module | None:
    """Load a module that may be in a file, and take its tensors out of the others."""
    found = {name: tensors.pop(name) for name in [*tensors] if name.startswith(prefix)}
    names = {name: (prefix + name,) for name in module.state_dict()}
    return _assemble(module, found, names, path) if found else None


def _read_card(values: dict[str, Any]) -> Card:
    """Return the card of a file; files without `classes` have those of the shipped model."""
    classes = tuple(map(str, values.get("classes", CLASSES)))
    if not are_class_names(classes):
        raise ValueError("names that do not tell classes apart")
    return Card(**{**values, "classes": classes})


def _load_published(path: Path) -> Checkpoint:
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load documents no exceptions for damaged files
        raise CheckpointError(f"{path} is not a checkpoint or is damaged") from error
    tensors = _state_dict(tensors)
    if not tensors:
        raise CheckpointError(f"{path} is not a state dict: it contains more than tensors")
    network = OffTanet()
    names = {name: published_names(name) for name in network.state_dict()}
    return Checkpoint(_assemble(network, tensors, names, path), PUBLISHED, PUBLISHED_CARD)


def _state_dict(loaded: object) -> dict[str, Tensor]:
    """Return the tensors by their names in the network; none if it is something else.

    Many programs save `{"state_dict": …, "epoch": …}`, and those that train on several GPUs put
    `module.` before each name.
    """
    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict) or not all(isinstance(t, Tensor) for t in loaded.values()):
        return {}
    names = [str(name) for name in loaded]
    wrapped = all(name.startswith(WRAPPER) for name in names)
    start = len(WRAPPER) if wrapped else 0
    return dict(zip((name[start:] for name in names), loaded.values(), strict=True))


def published_names(name: str) -> tuple[str, ...]:
    """Return the published names of our tensor: one, or one for each head of self-attention."""
    module, _, tensor = name.rpartition(".")
    if module.startswith("triplet.itself."):
        kind = module.rpartition(".")[2][0]  # query, key, value -> q, k, v
        return tuple(f"eres.sa.sa_blocks.{head}.w_{kind}.{tensor}" for head in range(HEADS))
    if module in RENAMED:
        return (f"{RENAMED[module]}.{tensor}",)
    parent, _, index = module.rpartition(".")
    return (f"{RENAMED[parent]}.{index}.{tensor}",)


def _assemble(
    network: Module,
    tensors: Mapping[str, Tensor],
    names: Mapping[str, tuple[str, ...]],
    path: Path,
) -> Module:
    """Load each of the network's tensors, concatenated from the file's tensors of its `names`."""
    expected_names = {part for parts in names.values() for part in parts}
    if unknown := sorted(map(str, tensors.keys() - expected_names)):
        raise CheckpointError(f"{path} contains unknown tensors: {_enumerate(unknown)}")
    if missing := sorted(expected_names - tensors.keys()):
        raise CheckpointError(f"{path} is missing tensors: {_enumerate(missing)}")
    state = {}
    for name, expected in network.state_dict().items():
        parts = [tensors[part] for part in names[name]]
        shape = expected.shape if len(parts) == 1 else (len(expected) // HEADS, *expected.shape[1:])
        for part, tensor in zip(names[name], parts, strict=True):
            if tensor.shape != shape:
                raise CheckpointError(
                    f"{path}: {part} has shape {tuple(tensor.shape)} instead of {tuple(shape)}"
                )
            if not torch.isfinite(tensor).all():
                raise CheckpointError(f"{path}: {part} contains values that are not finite")
        state[name] = parts[0] if len(parts) == 1 else torch.cat(parts)
    network.load_state_dict(state)
    return network.eval()


def _enumerate(names: list[str], limit: int = 3) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
