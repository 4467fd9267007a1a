"""The three kinds of attention in Off-TANet: channel, spatial and self-attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

ATTENTION_SIZE = 14


class ChannelAttention(nn.Module):
    """Weight each channel of [N, C, S, S] by its mean and maximum, through a bottleneck of 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, 1, 1, bias=False)
        self.excite = nn.Conv2d(1, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, of the input's shape."""
        mean, peak = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        excited = [self.excite(torch.relu(self.squeeze(pooled))) for pooled in (mean, peak)]
        return x * torch.sigmoid(excited[0] + excited[1])


class SpatialAttention(nn.Conv2d):
    """Weight each position of [N, C, S, S] by a convolution of the channels' mean and maximum.

    A subclass of the convolution, so that the names of tensors in checkpoints do not change.
    """

    def __init__(self) -> None:
        super().__init__(2, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, of the input's shape."""
        summary = torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1)
        return x * torch.sigmoid(super().forward(summary))


class SelfAttention(nn.Module):
    """Self-attention within each channel, whose 14 x 14 query, key and value are matrices.

    [N, cin, 14, 14] -> [N, cout, 14, 14]. The paper's four heads are one 1 x 1 convolution here:
    scores do not mix channels, so four heads and one wide head are the same function.
    """

    position: Tensor

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(cin, cout, 1)
        self.key = nn.Conv2d(cin, cout, 1)
        self.value = nn.Conv2d(cin, cout, 1)
        self.register_buffer("position", positions(ATTENTION_SIZE), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the values [N, cout, 14, 14], weighted by their attention."""
        keys = self.key(x) + self.position  # q k' + q P' = q (k + P)'
        scores = self.query(x) @ keys.transpose(2, 3)
        weights = torch.softmax(scores.flatten(2), dim=2).view_as(scores)
        values: Tensor = self.value(x)
        return weights * values


def positions(size: int) -> Tensor:
    """Return the fixed position matrix [size, size]: P[r, c] = p_r + p_c, p sines and cosines."""
    index = torch.arange(size)
    angle = torch.pow(10_000.0, -(index // 2) / size)
    code = torch.where(index % 2 == 0, torch.sin(angle), torch.cos(angle))
    return code[:, None] + code[None, :]
