"""Checkpoints for tests: not trained, but with weights under which every layer matters."""

from __future__ import annotations

import torch
from off_tanet_export.checkpoint import Card, Checkpoint, published_names
from off_tanet_export.graph import PreprocessingConfig
from off_tanet_export.network.expressive import ExpressiveHead
from off_tanet_export.network.model import OffTanet
from off_tanet_export.shipped import SHIPPED
from torch import Tensor

WEIGHTS = SHIPPED
TINY_TRAINING = ["--samples", "64", "--pairs", "12"]

CARD = Card(
    name="example",
    version="0.0.1",
    licence="Apache-2.0",
    training_data="none",
    scores={"nothing": {"n": 1, "uf1": 0.5}},
)


def network(seed: int = 0) -> OffTanet:
    """Random weights, and normalisations that are not the identity."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = OffTanet().eval()
        for name, tensor in made.state_dict().items():
            if name.endswith("running_mean"):
                tensor.normal_(0, 0.1)
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
    return made


def checkpoint(seed: int = 0, *, expressive: bool = False) -> Checkpoint:
    head = None
    if expressive:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = ExpressiveHead().eval()
    return Checkpoint(network(seed), PreprocessingConfig(), CARD, head)


def published_state(seed: int = 0) -> dict[str, Tensor]:
    """A state dict with the names and shapes of the authors' one."""
    state: dict[str, Tensor] = {}
    for name, tensor in network(seed).state_dict().items():
        parts = published_names(name)
        pieces = tensor.chunk(len(parts)) if len(parts) > 1 else (tensor,)
        state.update(zip(parts, (piece.clone() for piece in pieces), strict=True))
    return state
