"""The two ways in which Off-TANet's paper reads its attention: by action units, and by sparseness.

Each action unit moves alone on the public-domain portrait and is seen as the service sees a
request, so that what moved is known. `share` tells how much of a layer's features is in the
region of the unit, `sparseness` how unevenly they are spread, before each attention and after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.types import CROP_SIZE
from torch import Tensor, nn
from tqdm import tqdm

from off_tanet_export.experiments.sensitivity import AMPLITUDES_PX, PICTURE_SIZE, placed, seen
from off_tanet_export.graph import FlowClassifier
from off_tanet_export.network.attention import (
    ATTENTION_SIZE,
    ChannelAttention,
    SelfAttention,
    SpatialAttention,
)
from off_tanet_export.network.blocks import LastBlock, standing_out
from off_tanet_export.network.checkpoint import Checkpoint
from off_tanet_export.network.model import OffTanet
from off_tanet_export.synthesis.action_units import displacement
from off_tanet_export.synthesis.samples import ASSETS, motion, portrait, shot

KINDS: Sequence[tuple[type[nn.Module], str]] = (
    (ChannelAttention, "channel"),
    (SpatialAttention, "spatial"),
    (SelfAttention, "self"),
    (LastBlock, "whole block"),
)
PLAIN_PX = 0.6  # weaker motion is not always seen at all

Flows = Mapping[str, NDArray[np.float32]]
"""Action unit -> the flow [N, 2, 112, 112] of it alone, measured some times."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One attention, or the whole block, on average over motions: shares and sparseness in 0..1."""

    share_before: float
    share_after: float
    sparseness_before: float
    sparseness_after: float


def motions(units: Iterable[str], draws: int = 3, seed: int = 0) -> Flows:
    """Each of `units` alone in several plain strengths, each with noise of its own."""
    rng, detector = np.random.default_rng(seed), FaceDetector(ASSETS)
    face = portrait(PICTURE_SIZE)
    where = placed(detector, shot(face))
    plain = np.array(AMPLITUDES_PX) >= PLAIN_PX
    flows = {}
    for unit in tqdm(units, desc="motions", unit="action unit"):
        forth = motion({unit: 1.0}, where, len(face))
        flows[unit] = np.concatenate(
            [seen(face, forth, detector, rng)[plain] for _ in range(draws)]
        )
    return flows


def readings(checkpoints: Sequence[Checkpoint], flows: Flows) -> Mapping[str, Reading]:
    """Kind of attention -> its reading, on average over units and over one variant's networks."""
    found: dict[str, list[Reading]] = {}
    for checkpoint in checkpoints:
        for unit, flow in flows.items():
            for kind, (before, after) in layers(checkpoint, flow).items():
                read = Reading(
                    share(standing_out(before), region(unit, before.shape[-1])),
                    share(standing_out(after), region(unit, after.shape[-1])),
                    sparseness(before),
                    sparseness(after),
                )
                found.setdefault(kind, []).append(read)
    return {kind: _mean(reads) for kind, reads in found.items()}


def _mean(reads: Sequence[Reading]) -> Reading:
    return Reading(*(float(np.mean([getattr(r, f.name) for r in reads])) for f in fields(Reading)))


def layers(checkpoint: Checkpoint, flow: NDArray[np.float32]) -> dict[str, tuple[Tensor, Tensor]]:
    """What goes into each attention and into the whole block, and what comes out of it."""
    classifier = FlowClassifier(checkpoint.network, checkpoint.recipe).eval()
    with torch.inference_mode(), watched(checkpoint.network) as passed:
        classifier.look(classifier.maps(torch.from_numpy(flow)))
    return passed


@contextmanager
def watched(network: OffTanet) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Input and output of each module of `KINDS`, once the network has looked at something."""
    passed: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(module: nn.Module, given: tuple[Tensor], got: Tensor | tuple[Tensor, Tensor]) -> None:
        kind = next(name for known, name in KINDS if isinstance(module, known))
        name = kind if kind not in passed else f"{kind}, second"
        passed[name] = given[0], got if isinstance(got, Tensor) else got[0]

    known = tuple(module for module, _ in KINDS)
    hooks = [m.register_forward_hook(keep) for m in network.modules() if isinstance(m, known)]
    try:
        yield passed
    finally:
        for hook in hooks:
            hook.remove()


def attention(checkpoints: Sequence[Checkpoint], flow: NDArray[np.float32]) -> Tensor:
    """What the networks themselves tell, on average over motions and networks: sums to 1."""
    told = []
    for checkpoint in checkpoints:
        classifier = FlowClassifier(checkpoint.network, checkpoint.recipe).eval()
        with torch.inference_mode():
            each = classifier.look(classifier.maps(torch.from_numpy(flow)))[1]
        told.append(each / each.sum((1, 2), keepdim=True))
    return torch.cat(told).mean(0)


def heat_maps(
    variants: Mapping[str, Sequence[Checkpoint]], unit: str, flow: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """`motion`, the unit's `region`, and each variant's attention, [14, 14] or finer each."""
    lengths = np.hypot(flow[:, 0], flow[:, 1])
    told = {name: attention(ones, flow).numpy() for name, ones in variants.items()}
    return {
        "motion": (lengths / lengths.max((1, 2), keepdims=True)).mean(0),
        "region": region(unit, ATTENTION_SIZE).numpy(),
        **told,
    }


def shares(unit: str, heats: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
    """How much of each map of `heat_maps` is in the region; `chance` is what the region takes."""
    within = {
        name: share(torch.from_numpy(heat)[None], region(unit, heat.shape[-1]))
        for name, heat in heats.items()
        if name != "region"
    }
    return {"chance": float(region(unit, ATTENTION_SIZE).mean()), **within}


def share(weights: Tensor, where: Tensor) -> float:
    """The part of `weights` [N, S, S] that lies in the region [S, S], on average."""
    return float(((weights * where).sum((1, 2)) / weights.sum((1, 2))).mean())


def region(unit: str, size: int) -> Tensor:
    """How much of each place [size, size] moves at least half as far as the unit's furthest."""
    lengths = np.hypot(*displacement({unit: 1.0}, CROP_SIZE))
    inside = torch.from_numpy(lengths >= lengths.max() / 2).float()
    return nn.functional.adaptive_avg_pool2d(inside[None], size)[0]


def sparseness(features: Tensor) -> float:
    """0 where all places of a map are alike, 1 where all but one are zero; the mean over maps.

    (sqrt(n) - L1 / L2) / (sqrt(n) - 1) for the n places of each map of [N, C, S, S]; a map of zeros
    has none and is left out. P. O. Hoyer, "Non-negative Matrix Factorization with Sparseness
    Constraints", JMLR 5, 2004.
    """
    values = features.flatten(2)
    peaks = values.abs().amax(2, keepdim=True)
    lively = peaks[..., 0] > 0
    values = values[lively] / peaks[lively]  # squares of the faintest maps would vanish
    root = values.shape[1] ** 0.5
    return float(((root - values.norm(1, dim=1) / values.norm(2, dim=1)) / (root - 1)).mean())
