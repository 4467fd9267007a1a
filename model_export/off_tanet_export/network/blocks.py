"""Residual blocks: those that downsample, and five variants of the last block.

The paper compares its own block, `TripletAttention`, with four others. Only their names and numbers
of parameters are known here; the blocks below are the simplest with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor, nn

from off_tanet_export.network.attention import ChannelAttention, SelfAttention, SpatialAttention

Variant = Literal["triplet", "cbam", "self", "bottleneck", "residual"]


class Residual(nn.Module):
    """Two convolutions and a skip, then max pooling: [N, cin, S, S] -> [N, cout, S/2, S/2]."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*convolution(cin, cout), *convolution(cout, cout))
        self.skip = nn.Conv2d(cin, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of half the input's size."""
        return nn.functional.max_pool2d(self.skip(x) + self.main(x), 2)


class LastBlock(nn.Module):
    """A residual block that also returns its attention.

    [N, cin, 14, 14] -> features [N, cout, 7, 7] and attention [N, 14, 14]: the saliency of each
    position in the features that attention passes on.
    """

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(cin, cout, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return features [N, cout, 7, 7] and attention [N, 14, 14]."""
        main, attended = self.attend(x)
        return nn.functional.max_pool2d(main + self.skip(x), 2), saliency(attended)

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the main branch [N, cout, 14, 14], and the features that attention passes on."""
        raise NotImplementedError


class TripletAttention(LastBlock):
    """Channel, spatial and self-attention. The attention returned is that of the first two.

    Without `itself` (the self-attention) this is CBAM: S. Woo, J. Park, J.-Y. Lee, I. S. Kweon,
    ECCV 2018.
    """

    def __init__(self, cin: int, cout: int, itself: bool = True) -> None:
        super().__init__(cin, cout)
        self.first = nn.Sequential(*convolution(cin, cin))
        self.channel = ChannelAttention(cin)
        self.spatial = SpatialAttention()
        self.itself = SelfAttention(cin, cin) if itself else nn.Identity()
        self.last = nn.Sequential(*convolution(cin, cout))

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the main branch and the features that its attention passes on."""
        attended = self.spatial(self.channel(self.first(x)))
        return self.last(self.itself(attended)), attended


class SelfAttentionOnly(LastBlock):
    """Self-attention, added to the output of the last convolution."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(cin, cout)
        self.first = nn.Sequential(*convolution(cin, cin))
        self.itself = SelfAttention(cin, cout)
        self.last = nn.Sequential(*convolution(cin, cout))

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the main branch and the features that its attention passes on."""
        features = self.first(x)
        attended: Tensor = self.itself(features)
        return self.last(features) + attended, attended


class BottleneckTransformer(LastBlock):
    """Self-attention instead of both convolutions: A. Srinivas et al., CVPR 2021."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(cin, cout)
        self.first = SelfAttention(cin, cout)
        self.second = SelfAttention(cout, cout)

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the main branch and the features that its attention passes on."""
        attended: Tensor = self.second(torch.relu(self.first(x)))
        return attended, attended


class PlainResidual(LastBlock):
    """No attention: the attention returned is the saliency of all features."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(cin, cout)
        self.main = nn.Sequential(*convolution(cin, cout), *convolution(cout, cout))

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the main branch and the features that its attention passes on."""
        main: Tensor = self.main(x)
        return main, main


def _cbam(cin: int, cout: int) -> TripletAttention:
    return TripletAttention(cin, cout, itself=False)


BLOCKS: Mapping[Variant, Callable[[int, int], LastBlock]] = MappingProxyType(
    {
        "triplet": TripletAttention,
        "cbam": _cbam,
        "self": SelfAttentionOnly,
        "bottleneck": BottleneckTransformer,
        "residual": PlainResidual,
    }
)
"""The last block of each variant, by its numbers of input and output channels."""


def convolution(cin: int, cout: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Return a 3 x 3 convolution that keeps the size, its normalisation and its activation."""
    return nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU()


def saliency(features: Tensor) -> Tensor:
    """Compute the saliency [N, S, S] of positions in features [N, C, S, S].

    The absolute difference from the mean over positions, averaged over channels. The difference,
    because training may represent motion by strong features or by weak ones.
    """
    return (features - features.mean((2, 3), keepdim=True)).abs().mean(1)
