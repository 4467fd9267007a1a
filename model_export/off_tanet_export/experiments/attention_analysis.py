"""The two analyses of attention in Off-TANet's paper: by action units, and by sparseness.

Each action unit alone moves the public-domain portrait, whose flow is measured as the service
measures it, so that the moving region is known. Measured before and after each attention are the
share of the features within the unit's region, and the sparseness of the features.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.types import CROP_SIZE
from torch import Tensor, nn
from tqdm import tqdm

from off_tanet_export.checkpoint import Checkpoint
from off_tanet_export.experiments.sensitivity import (
    AMPLITUDES_PX,
    PICTURE_SIZE,
    locate_crop,
    measure_flows,
)
from off_tanet_export.network.attention import (
    ATTENTION_SIZE,
    ChannelAttention,
    SelfAttention,
    SpatialAttention,
)
from off_tanet_export.network.blocks import LastBlock, saliency
from off_tanet_export.network.model import OffTanet
from off_tanet_export.synthesis.action_units import displacement
from off_tanet_export.synthesis.camera import shoot
from off_tanet_export.synthesis.samples import motion, portrait

KINDS: Sequence[tuple[type[nn.Module], str]] = (
    (ChannelAttention, "channel"),
    (SpatialAttention, "spatial"),
    (SelfAttention, "self"),
    (LastBlock, "whole block"),
)
"""The analysed modules and their names in the tables."""

MIN_AMPLITUDE_PX = 0.6
"""The smallest amplitude to analyse: weaker motion is not always detected."""

Flows = Mapping[str, NDArray[np.float32]]
"""Action unit -> the flow [N, 2, 112, 112] of its motion alone, measured several times."""


@dataclass(frozen=True, slots=True)
class AttentionMeasures:
    """Measures of one attention, or of the whole block, averaged over motions; all in 0..1.

    Attributes:
        share_before: Share of the input's saliency within the action unit's region.
        share_after: The same of the output.
        sparseness_before: Sparseness of the input.
        sparseness_after: Sparseness of the output.
    """

    share_before: float
    share_after: float
    sparseness_before: float
    sparseness_after: float


def measure_motions(units: Iterable[str], draws: int = 3, seed: int = 0) -> Flows:
    """Measure the flow of action units, each alone, in several amplitudes.

    Args:
        units: Names of action units.
        draws: The number of measurements, each with its own noise.
        seed: Seed of the noise.
    """
    rng, detector = np.random.default_rng(seed), FaceDetector(ASSETS)
    face = portrait(PICTURE_SIZE)
    to_crop = locate_crop(detector, shoot(face))
    strong = np.array(AMPLITUDES_PX) >= MIN_AMPLITUDE_PX
    flows = {}
    with tqdm(units, desc="motions", unit="action unit") as bar:
        for unit in bar:
            field = motion({unit: 1.0}, to_crop, len(face))
            flows[unit] = np.concatenate(
                [measure_flows(face, field, detector, rng)[strong] for _ in range(draws)]
            )
    return flows


def analyse_attention(
    checkpoints: Sequence[Checkpoint], flows: Flows
) -> Mapping[str, AttentionMeasures]:
    """Measure each kind of attention, averaged over action units and networks.

    Args:
        checkpoints: Networks of one variant.
        flows: The measured motions.
    """
    measured: dict[str, list[AttentionMeasures]] = {}
    for checkpoint in checkpoints:
        for unit, flow in flows.items():
            for kind, (before, after) in layer_outputs(checkpoint, flow).items():
                measures = AttentionMeasures(
                    region_share(saliency(before), region(unit, before.shape[-1])),
                    region_share(saliency(after), region(unit, after.shape[-1])),
                    sparseness(before),
                    sparseness(after),
                )
                measured.setdefault(kind, []).append(measures)
    return {kind: _mean(group) for kind, group in measured.items()}


def _mean(group: Sequence[AttentionMeasures]) -> AttentionMeasures:
    names = [field.name for field in fields(AttentionMeasures)]
    return AttentionMeasures(*(float(np.mean([getattr(m, n) for m in group])) for n in names))


def layer_outputs(
    checkpoint: Checkpoint, flow: NDArray[np.float32]
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return input and output of each attention and of the whole block, for a flow [N, 2, S, S]."""
    classifier = checkpoint.classifier()
    with torch.inference_mode(), _record_layers(checkpoint.network) as recorded:
        classifier.run_network(classifier.maps(torch.from_numpy(flow)))
    return recorded


@contextmanager
def _record_layers(network: OffTanet) -> Iterator[dict[str, tuple[Tensor, Tensor]]]:
    """Record input and output of the modules of `KINDS` when the network runs."""
    recorded: dict[str, tuple[Tensor, Tensor]] = {}

    def record(
        module: nn.Module, inputs: tuple[Tensor], output: Tensor | tuple[Tensor, Tensor]
    ) -> None:
        kind = next(name for known, name in KINDS if isinstance(module, known))
        name = kind if kind not in recorded else f"{kind}, second"
        recorded[name] = inputs[0], output if isinstance(output, Tensor) else output[0]

    known = tuple(module for module, _ in KINDS)
    hooks = [m.register_forward_hook(record) for m in network.modules() if isinstance(m, known)]
    try:
        yield recorded
    finally:
        for hook in hooks:
            hook.remove()


def mean_attention(checkpoints: Sequence[Checkpoint], flow: NDArray[np.float32]) -> Tensor:
    """Average the networks' attention [14, 14] over motions and networks; its sum is 1."""
    normalised = []
    for checkpoint in checkpoints:
        classifier = checkpoint.classifier()
        with torch.inference_mode():
            attention = classifier.run_network(classifier.maps(torch.from_numpy(flow)))[1]
        normalised.append(attention / attention.sum((1, 2), keepdim=True))
    return torch.cat(normalised).mean(0)


def heat_maps(
    variants: Mapping[str, Sequence[Checkpoint]], unit: str, flow: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    """Compute the heat maps of an action unit.

    Args:
        variants: The networks of each variant.
        unit: The action unit.
        flow: Its flow [N, 2, 112, 112].

    Returns:
        `motion` [112, 112], the unit's `region` [14, 14], and each variant's attention [14, 14].
    """
    lengths = np.hypot(flow[:, 0], flow[:, 1])
    attention = {name: mean_attention(group, flow).numpy() for name, group in variants.items()}
    return {
        "motion": (lengths / lengths.max((1, 2), keepdims=True)).mean(0),
        "region": region(unit, ATTENTION_SIZE).numpy(),
        **attention,
    }


def region_shares(unit: str, maps: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
    """Compute the share of each heat map within the action unit's region.

    Args:
        unit: The action unit.
        maps: The result of `heat_maps`.

    Returns:
        `chance`, the region's share of the area, and the share of each map except `region`.
    """
    shares = {
        name: region_share(torch.from_numpy(heat)[None], region(unit, heat.shape[-1]))
        for name, heat in maps.items()
        if name != "region"
    }
    return {"chance": float(region(unit, ATTENTION_SIZE).mean()), **shares}


def region_share(weights: Tensor, mask: Tensor) -> float:
    """Compute the mean share of weights [N, S, S] within a region [S, S]."""
    return float(((weights * mask).sum((1, 2)) / weights.sum((1, 2))).mean())


def region(unit: str, size: int) -> Tensor:
    """Return the region [size, size] in which an action unit moves by half its maximum or more.

    Each value is the share of the cell that lies within the region.
    """
    lengths = np.hypot(*displacement({unit: 1.0}, CROP_SIZE))
    inside = torch.from_numpy(lengths >= lengths.max() / 2).float()
    return nn.functional.adaptive_avg_pool2d(inside[None], size)[0]


def sparseness(features: Tensor) -> float:
    """Compute the mean sparseness of maps: 0 for a constant map, 1 for a single nonzero position.

    (sqrt(n) - L1 / L2) / (sqrt(n) - 1) for the n positions of a map; maps of zeros are skipped.
    P. O. Hoyer, "Non-negative Matrix Factorization with Sparseness Constraints", JMLR 5, 2004.

    Args:
        features: [N, C, S, S].
    """
    values = features.flatten(2)
    peaks = values.abs().amax(2, keepdim=True)
    nonzero = peaks[..., 0] > 0
    values = values[nonzero] / peaks[nonzero]  # the squares of very small values would underflow
    root = values.shape[1] ** 0.5
    return float(((root - values.norm(1, dim=1) / values.norm(2, dim=1)) / (root - 1)).mean())
