"""Residual blocks: those of the network's way down, and its last one in five variants.

The paper sets its own block, `TripletAttention`, against four others, of which this project knows
names and totals of parameters alone; those here are the plainest that have the same totals.
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
    """Two convolutions beside a skip, then halved: [N, cin, S, S] -> [N, cout, S/2, S/2]."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*convolution(cin, cout), *convolution(cout, cout))
        self.skip = nn.Conv2d(cin, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(self.skip(x) + self.main(x), 2)


class LastBlock(nn.Module):
    """A residual block that tells what it attends to.

    [N, cin, 14, 14] -> [N, cout, 7, 7] and the attention [N, 14, 14]: how far each place stands out
    in the features that attention lets through, on average over channels.
    """

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(cin, cout, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        main, attended = self.attend(x)
        return nn.functional.max_pool2d(main + self.skip(x), 2), standing_out(attended)

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The way beside the skip [N, cout, 14, 14], and what attention lets through on it."""
        raise NotImplementedError


class TripletAttention(LastBlock):
    """Attends three times: to channels, to places, and to itself. The first two are what it tells.

    Without `itself` it is CBAM: S. Woo, J. Park, J.-Y. Lee, I. S. Kweon, ECCV 2018.
    """

    def __init__(self, cin: int, cout: int, itself: bool = True) -> None:
        super().__init__(cin, cout)
        self.first = nn.Sequential(*convolution(cin, cin))
        self.channel = ChannelAttention(cin)
        self.spatial = SpatialAttention()
        self.itself = SelfAttention(cin, cin) if itself else nn.Identity()
        self.last = nn.Sequential(*convolution(cin, cout))

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        attended = self.spatial(self.channel(self.first(x)))
        return self.last(self.itself(attended)), attended


class SelfAttentionOnly(LastBlock):
    """Self-attention beside the last convolution."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(cin, cout)
        self.first = nn.Sequential(*convolution(cin, cin))
        self.itself = SelfAttention(cin, cout)
        self.last = nn.Sequential(*convolution(cin, cout))

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.first(x)
        attended: Tensor = self.itself(features)
        return self.last(features) + attended, attended


class BottleneckTransformer(LastBlock):
    """Self-attention in place of both convolutions: A. Srinivas et al., CVPR 2021."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(cin, cout)
        self.first = SelfAttention(cin, cout)
        self.second = SelfAttention(cout, cout)

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        attended: Tensor = self.second(torch.relu(self.first(x)))
        return attended, attended


class PlainResidual(LastBlock):
    """No attention: it tells of all its features."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__(cin, cout)
        self.main = nn.Sequential(*convolution(cin, cout), *convolution(cout, cout))

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        main: Tensor = self.main(x)
        return main, main


def without_self_attention(cin: int, cout: int) -> TripletAttention:
    return TripletAttention(cin, cout, itself=False)


BLOCKS: Mapping[Variant, Callable[[int, int], LastBlock]] = MappingProxyType(
    {
        "triplet": TripletAttention,
        "cbam": without_self_attention,
        "self": SelfAttentionOnly,
        "bottleneck": BottleneckTransformer,
        "residual": PlainResidual,
    }
)
"""Channels in, channels out -> the network's last block."""


def convolution(cin: int, cout: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """A 3 x 3 convolution that keeps the size, with its normalisation and activation."""
    return nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU()


def standing_out(features: Tensor) -> Tensor:
    """How far each place of [N, C, S, S] is from the face's mean, on average over channels.

    Against the mean, because training may give motion a strong feature or a faint one.
    """
    return (features - features.mean((2, 3), keepdim=True)).abs().mean(1)
