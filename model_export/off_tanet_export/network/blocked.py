"""Off-TANet's convolutions, rewritten so that ONNX Runtime runs them in whole blocks of channels.

Its fast convolutions on a CPU (NCHWc) fill blocks of 8 or 16 channels: 18 channels of output take
as long as 32, 8 as long as 16, and an input of 18 falls back to a slower matrix product. Here the
first 16 channels are a map of their own. The few that are left are computed for several rows at
once, as that many channels of a higher kernel, which fill a block, too.

The weights are the same, and so are the functions: sums in another order differ by rounding.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from off_tanet_export.network.blocks import Residual
from off_tanet_export.network.model import OffTanet

BLOCK = 16
"""Channels of a block where the processor has AVX-512; 8 with AVX2."""

Parts = tuple[Tensor, ...]
"""The channels of a map in one or two parts, each [N, channels, S, S]."""


def blocked(network: OffTanet) -> OffTanet:
    """Return a network that computes the same, in whole blocks of channels.

    Args:
        network: The network, in evaluation mode. It stays unchanged.
    """
    fast = deepcopy(network)
    stem = BlockedStem(network.stem)
    first = BlockedResidual(network.residual1, stem.convolution.channels)
    second = BlockedResidual(network.residual2, first.skip.channels)
    for name, module in {"stem": stem, "residual1": first, "residual2": second}.items():
        fast.add_module(name, module)
    fast.add_module("triplet", nn.Sequential(Whole(), fast.triplet))
    return fast.eval()


class BlockedStem(nn.Module):
    """The first convolution, its activation and then its normalisation."""

    def __init__(self, stem: nn.Sequential) -> None:
        super().__init__()
        convolution, _, norm = stem
        if not isinstance(convolution, nn.Conv2d):
            raise TypeError("the stem does not begin with a convolution")
        self.convolution = BlockedConvolution(convolution, (convolution.in_channels,))
        self.norm = deepcopy(norm)

    def forward(self, maps: Tensor) -> Parts:
        """Compute a map in parts of maps [N, 3, 112, 112]."""
        (features,) = self.convolution.unpack(relu(self.convolution((maps,))))
        return (self.norm(features),)


class BlockedResidual(nn.Module):
    """A `Residual`, from a map in parts to one in parts.

    Args:
        block: The block.
        parts: The channels of each part of its input.
    """

    def __init__(self, block: Residual, parts: tuple[int, ...]) -> None:
        super().__init__()
        first, first_norm, _, second, second_norm, _ = block.main
        self.first = BlockedConvolution(fuse(first, first_norm), parts)
        self.second = BlockedConvolution(fuse(second, second_norm), self.first.channels)
        self.skip = BlockedConvolution(block.skip, parts)

    def forward(self, x: Parts) -> Parts:
        """Return features of half the input's size."""
        features = self.first.unpack(relu(self.first(x)))
        total = self.skip(x, relu(self.second(features)))
        return tuple(functional.max_pool2d(part, 2) for part in self.skip.unpack(total))


class BlockedConvolution(nn.Module):
    """A convolution of a map in parts, whose result is in packed parts: see `unpack`.

    Args:
        layer: The convolution.
        parts: The channels of each part of the input.

    Attributes:
        channels: The channels of each part of the result.
    """

    def __init__(self, layer: nn.Conv2d, parts: tuple[int, ...]) -> None:
        super().__init__()
        if layer.bias is None:
            raise TypeError("the convolution has no bias")
        blocks, rest = divmod(layer.out_channels, BLOCK)
        few = 0 < rest <= BLOCK // 2
        self.channels = tuple(filter(None, (blocks * BLOCK, rest))) if few else (len(layer.bias),)
        weights, biases = layer.weight.split(self.channels), layer.bias.split(self.channels)  # type: ignore[no-untyped-call]
        self.results = nn.ModuleList(
            RowsConvolution(weight, bias, parts, layer.stride[0])
            for weight, bias in zip(weights, biases, strict=True)
        )

    def forward(self, x: Parts, added: Parts = ()) -> Parts:
        """Compute the packed parts of the result, plus those of another one."""
        others = added or [None] * len(self.results)
        return tuple(result(x, other) for result, other in zip(self.results, others, strict=True))

    def unpack(self, packed: Parts) -> Parts:
        """Return packed parts [N, C * rows, S / rows, S] as [N, C, S, S]."""
        return tuple(map(_unpack, packed, self.channels))


class RowsConvolution(nn.Module):
    """A convolution of a map in parts that computes as many rows at once as fill a block.

    Args:
        weight: The weights [C, cin, K, K].
        bias: The bias [C].
        parts: The channels of each part of the input.
        step: The stride.
    """

    def __init__(self, weight: Tensor, bias: Tensor, parts: tuple[int, ...], step: int) -> None:
        super().__init__()
        rows = rows_of(len(weight))
        self.stride = rows * step, step
        self.padding = weight.shape[2] // 2
        kernels = heighten(weight, rows, step).split(parts, 1)  # type: ignore[no-untyped-call]
        self.kernels = nn.ParameterList(map(frozen, kernels))
        self.bias = frozen(bias.repeat_interleave(rows))

    def forward(self, x: Parts, added: Tensor | None = None) -> Tensor:
        """Compute [N, C * rows, S / rows, S], plus another map of this shape."""
        total = added
        # A runtime makes each sum a part of the convolution after it; the largest comes last.
        for index in reversed(range(len(x))):
            bias = self.bias if index == len(x) - 1 else None
            term = functional.conv2d(x[index], self.kernels[index], bias, self.stride, self.padding)
            total = term if total is None else total + term
        if total is None:
            raise ValueError("the map has no parts")
        return total


class Whole(nn.Module):
    """Returns a map in one part as a tensor."""

    def forward(self, parts: Parts) -> Tensor:
        """Return the only part."""
        (whole,) = parts
        return whole


def relu(parts: Parts) -> Parts:
    """Apply max(x, 0) to each part."""
    return tuple(map(torch.relu, parts))


def fuse(convolution: nn.Module, norm: nn.Module) -> nn.Conv2d:
    """Return a convolution with the normalisation after it."""
    if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
        raise TypeError("not a convolution and its normalisation")
    return nn.utils.fuse_conv_bn_eval(convolution, norm)


def rows_of(channels: int) -> int:
    """Return the number of rows of few channels that fill a block."""
    return max(1, BLOCK // channels)


def heighten(weight: Tensor, rows: int, step: int) -> Tensor:
    """Return kernels [C, cin, K, K] of several rows: [C * rows, cin, K + (rows - 1) * step, K]."""
    spare = (rows - 1) * step
    shifted = [
        functional.pad(weight, (0, 0, row * step, spare - row * step)) for row in range(rows)
    ]
    return torch.stack(shifted, 1).flatten(0, 1)


def frozen(values: Tensor) -> nn.Parameter:
    """Return values as a parameter that is not trained."""
    return nn.Parameter(values.detach().clone(), requires_grad=False)


def _unpack(part: Tensor, channels: int) -> Tensor:
    rows, (height, width) = rows_of(channels), part.shape[2:]
    if rows == 1:
        return part
    return part.view(-1, channels, rows, height, width).transpose(2, 3).flatten(2, 3)
