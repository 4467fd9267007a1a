"""Random errors of flows, so that training does not depend on one way to measure motion.

Other laboratories align faces and measure flow in other ways. What differs is a rest of the head's
motion, smooth false flow, how far flow is smoothed, and how much of a motion is found where.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

GRAINS = (4, 10)
"""Sides of the noise that is enlarged to a smooth field, drawn anew for each batch."""

LEAST_BLUR = 0.1


@dataclass(frozen=True, slots=True)
class FlowErrors:
    """The sizes of the errors, relative to the standard deviation of each flow over its positions.

    Attributes:
        affine: Standard deviation of the affine motion that is added.
        smooth: Standard deviation of the smooth false flow that is added.
        fade: Largest log-normal variation of the flow's strength between positions.
        blur: Largest standard deviation of the blur, in positions.
    """

    affine: float = 0.0
    smooth: float = 0.0
    fade: float = 0.0
    blur: float = 0.0


def add_errors(flows: Tensor, sizes: FlowErrors, generator: torch.Generator) -> Tensor:
    """Add random errors to flows [N, 2, S, S]; they keep their shape and unit.

    Args:
        flows: The flows.
        sizes: The sizes of the errors; an error of size 0 draws nothing.
        generator: Draws the errors, on the CPU.
    """
    unit = flows.std((1, 2, 3), keepdim=True)
    if sizes.fade:
        strength = sizes.fade * _uniform(flows, generator)
        flows = flows * torch.exp(strength * _smooth(flows, 1, generator))
    if sizes.blur:
        flows = _blurred(flows, sizes.blur * float(torch.rand((), generator=generator)))
    if sizes.smooth:
        strength = sizes.smooth * _normal(flows, generator)
        flows = flows + unit * strength * _smooth(flows, 2, generator)
    if sizes.affine:
        strength = sizes.affine * _normal(flows, generator)
        flows = flows + unit * strength * _affine(flows, generator)
    return flows


def _uniform(flows: Tensor, generator: torch.Generator) -> Tensor:
    return torch.rand((len(flows), 1, 1, 1), generator=generator).to(flows.device)


def _normal(flows: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn((len(flows), 1, 1, 1), generator=generator).to(flows.device)


def _smooth(flows: Tensor, channels: int, generator: torch.Generator) -> Tensor:
    """Draw smooth fields [N, channels, S, S] of mean 0 and standard deviation 1."""
    low, high = GRAINS
    side = int(torch.randint(low, high + 1, (), generator=generator))
    noise = torch.randn((len(flows), channels, side, side), generator=generator).to(flows.device)
    fields = nn.functional.interpolate(
        noise, size=flows.shape[-2:], mode="bicubic", align_corners=False
    )
    deviation, mean = torch.std_mean(fields, (2, 3), keepdim=True)
    return (fields - mean) / deviation


def _affine(flows: Tensor, generator: torch.Generator) -> Tensor:
    """Draw affine motions [N, 2, S, S] with parts of standard deviation 1 about the centre."""
    count, size = len(flows), flows.shape[-1]
    shift = torch.randn((count, 2, 1, 1), generator=generator).to(flows.device)
    linear = torch.randn((count, 2, 2), generator=generator).to(flows.device)
    along = (torch.arange(size, device=flows.device) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(along, along, indexing="ij")
    return shift + torch.einsum("nij,jyx->niyx", linear, torch.stack([x, y]))


def _blurred(flows: Tensor, sigma: float) -> Tensor:
    """Blur flows by a Gaussian; the border is replicated."""
    if sigma < LEAST_BLUR:
        return flows
    reach = int(3 * sigma) + 1
    places = torch.arange(-reach, reach + 1, device=flows.device, dtype=flows.dtype)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = kernel / kernel.sum()
    padded = nn.functional.pad(flows, (reach,) * 4, mode="replicate")
    planes = padded.flatten(0, 1)[:, None]
    planes = nn.functional.conv2d(planes, kernel.view(1, 1, 1, -1))
    planes = nn.functional.conv2d(planes, kernel.view(1, 1, -1, 1))
    return planes.view_as(flows)
