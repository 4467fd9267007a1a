"""Random crops of flows, so that training does not depend on one way to crop a face."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Cropping:
    """Standard deviations of the errors of a crop.

    Attributes:
        right: Shift to the right, as a fraction of the crop.
        down: Shift downward, as a fraction of the crop.
        scale: Logarithm of the scale of both axes.
        across: Logarithm of the scale of the horizontal axis alone.
        along: Logarithm of the scale of the vertical axis alone.
        turn: Rotation, in radians.
    """

    right: float = 0.02
    down: float = 0.045
    scale: float = 0.02
    across: float = 0.03
    along: float = 0.04
    turn: float = 0.03


def recrop(flows: Tensor, size: int, cropping: Cropping, generator: torch.Generator) -> Tensor:
    """Crop each flow with random errors. Positions are moved, and motions transformed with them.

    Args:
        flows: [N, 2, S, S], S >= size; the crop is in the middle. Beyond its border a flow is
            replicated.
        size: The side of the crop, in pixels of the flow.
        cropping: The sizes of the errors.
        generator: Draws the errors.

    Returns:
        Flows [N, 2, size, size].
    """
    drawn = random_transforms(len(flows), cropping, generator)
    return move_flows(flows, size, *(part.to(flows.device) for part in drawn))


def move_flows(flows: Tensor, size: int, linear: Tensor, shift: Tensor) -> Tensor:
    """Crop each flow by a transform; positions are moved, and motions transformed with them.

    Args:
        flows: [N, 2, S, S], S >= size; the crop is in the middle. Beyond its border a flow is
            replicated.
        size: The side of the crop, in pixels of the flow.
        linear: Linear maps [N, 2, 2] about the crop's centre.
        shift: Shifts [N, 2], in crops.

    Returns:
        Flows [N, 2, size, size].
    """
    centres = (torch.arange(size, device=flows.device) + 0.5) / size - 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    targets = torch.stack([x, y], -1) - shift[:, None, None]
    sources = torch.einsum("nij,nyxj->nyxi", torch.linalg.inv(linear), targets)
    grid = sources * (2 * size / flows.shape[-1])
    moved = nn.functional.grid_sample(flows, grid, padding_mode="border", align_corners=False)
    return torch.einsum("nij,njyx->niyx", linear, moved)


def random_transforms(
    count: int, cropping: Cropping, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw linear maps [count, 2, 2] about the crop's centre, and shifts [count, 2] in crops."""
    right, down, scale, across, along, turn = torch.randn(6, count, generator=generator)
    wide = torch.exp(cropping.scale * scale + cropping.across * across)
    high = torch.exp(cropping.scale * scale + cropping.along * along)
    cos, sin = torch.cos(cropping.turn * turn), torch.sin(cropping.turn * turn)
    rows = [torch.stack([cos * wide, -sin * high], 1), torch.stack([sin * wide, cos * high], 1)]
    return torch.stack(rows, 1), torch.stack([cropping.right * right, cropping.down * down], 1)
