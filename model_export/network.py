"""Off-TANet, the network: a map of facial motion in, three logits out; 59,403 parameters.

J. Zhang, F. Liu, A. Zhou, "Off-TANet: A Lightweight Neural Micro-expression Recognizer with
Optical Flow Features and Integrated Attention Mechanism", PRICAI 2021, LNCS 13031, pp. 266-279.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

PARAMETERS = 59_403
ATTENTION_SIZE = 14


class OffTanet(nn.Module):
    """`maps` [N, 3, 112, 112] (u, v, strain) -> logits [N, 3] and attention [N, 14, 14].

    The logits are those of negative, positive and surprise; attention is 0 or more, of no unit.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 7, stride=2, padding=3), nn.ReLU(), nn.BatchNorm2d(8)
        )
        self.residual1 = Residual(8, 18)
        self.residual2 = Residual(18, 28)
        self.triplet = TripletAttention(28, 8)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(8 * 7 * 7, 64), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(64, 3),
        )  # fmt: skip

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        features, attention = self.features(maps)
        return self.head(features), attention

    def features(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """What the head sees, [N, 8, 7, 7], and the attention."""
        features: tuple[Tensor, Tensor] = self.triplet(
            self.residual2(self.residual1(self.stem(maps)))
        )
        return features


class Residual(nn.Module):
    """Two convolutions beside a skip, then halved: [N, cin, S, S] -> [N, cout, S/2, S/2]."""

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.main = nn.Sequential(*convolution(cin, cout), *convolution(cout, cout))
        self.skip = nn.Conv2d(cin, cout, 1)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(self.skip(x) + self.main(x), 2)


class TripletAttention(nn.Module):
    """A residual block that attends three times: to channels, to places, and to itself.

    [N, cin, 14, 14] -> [N, cout, 7, 7] and the attention [N, 14, 14]: how far each place stands out
    in the features that channel and spatial attention let through, on average over channels.
    """

    def __init__(self, cin: int, cout: int) -> None:
        super().__init__()
        self.skip = nn.Conv2d(cin, cout, 1)
        self.first = nn.Sequential(*convolution(cin, cin))
        self.channel = ChannelAttention(cin)
        self.spatial = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        self.itself = SelfAttention(cin)
        self.last = nn.Sequential(*convolution(cin, cout))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.channel(self.first(x))
        summary = torch.cat([features.mean(1, keepdim=True), features.amax(1, keepdim=True)], 1)
        attended = features * torch.sigmoid(self.spatial(summary))
        main = self.last(self.itself(attended))
        # Against the face's mean: training may give motion a strong feature or a faint one.
        standing_out = (attended - attended.mean((2, 3), keepdim=True)).abs().mean(1)
        return nn.functional.max_pool2d(main + self.skip(x), 2), standing_out


class ChannelAttention(nn.Module):
    """Weighs each channel by its mean and its maximum, squeezed through one unit."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, 1, 1, bias=False)
        self.excite = nn.Conv2d(1, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        mean, peak = x.mean((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
        excited = [self.excite(torch.relu(self.squeeze(pooled))) for pooled in (mean, peak)]
        return x * torch.sigmoid(excited[0] + excited[1])


class SelfAttention(nn.Module):
    """Every channel attends to itself: its 14 x 14 query, key and value are matrices.

    The paper's four heads of seven channels are one 1 x 1 convolution here: no channel sees
    another one, so heads laid side by side and one wide head are the same function.
    """

    position: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.register_buffer("position", positions(ATTENTION_SIZE), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        keys = self.key(x) + self.position  # q k' + q P' = q (k + P)'
        scores = self.query(x) @ keys.transpose(2, 3)
        weights = torch.softmax(scores.flatten(2), dim=2).view_as(scores)
        values: Tensor = self.value(x)
        return weights * values


def convolution(cin: int, cout: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """A 3 x 3 convolution that keeps the size, with its normalisation and activation."""
    return nn.Conv2d(cin, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU()


def positions(size: int) -> Tensor:
    """The fixed position matrix [size, size]: P[r, c] = p_r + p_c, with p sines and cosines."""
    index = torch.arange(size)
    angle = torch.pow(10_000.0, -(index // 2) / size)
    code = torch.where(index % 2 == 0, torch.sin(angle), torch.cos(angle))
    return code[:, None] + code[None, :]
