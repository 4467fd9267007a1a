"""Faces that lie elsewhere in their crop: for training, which must not depend on one cropping."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Cropping:
    """How far crops miss, as standard deviations.

    `right` and `down` are fractions of the crop; `scale`, `across` and `along` are log-normal, of
    both axes and of each alone; `turn` is in radians.
    """

    right: float = 0.02
    down: float = 0.045
    scale: float = 0.02
    across: float = 0.03
    along: float = 0.04
    turn: float = 0.03


def recropped(flows: Tensor, size: int, cropping: Cropping, generator: torch.Generator) -> Tensor:
    """Flows [N, 2, S, S], each as another crop would show it: [N, 2, size, size], S >= size.

    The crop is the middle of the flow; what lies beyond the flow is as at its edge. Places are
    moved, and motions turned and scaled with them.
    """
    linear, shift = placements(len(flows), cropping, generator)
    centres = (torch.arange(size) + 0.5) / size - 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    shown = torch.stack([x, y], -1) - shift[:, None, None]
    sources = torch.einsum("nij,nyxj->nyxi", torch.linalg.inv(linear), shown)
    grid = sources * (2 * size / flows.shape[-1])
    moved = nn.functional.grid_sample(flows, grid, padding_mode="border", align_corners=False)
    return torch.einsum("nij,njyx->niyx", linear, moved)


def placements(count: int, cropping: Cropping, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """`count` linear maps [N, 2, 2] about the crop's middle, and shifts [N, 2] in crops."""
    right, down, scale, across, along, turn = torch.randn(6, count, generator=generator)
    wide = torch.exp(cropping.scale * scale + cropping.across * across)
    high = torch.exp(cropping.scale * scale + cropping.along * along)
    cos, sin = torch.cos(cropping.turn * turn), torch.sin(cropping.turn * turn)
    rows = [torch.stack([cos * wide, -sin * high], 1), torch.stack([sin * wide, cos * high], 1)]
    return torch.stack(rows, 1), torch.stack([cropping.right * right, cropping.down * down], 1)
