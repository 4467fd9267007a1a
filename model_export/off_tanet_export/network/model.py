"""The network Off-TANet: from a map of facial motion to a logit for each class.

With three classes it has 59,403 parameters.

J. Zhang, F. Liu, A. Zhou, "Off-TANet: A Lightweight Neural Micro-expression Recognizer with
Optical Flow Features and Integrated Attention Mechanism", PRICAI 2021, LNCS 13031, pp. 266-279.
"""

from __future__ import annotations

from torch import Tensor, nn

from off_tanet_export.network.blocks import BLOCKS, Residual, Variant


class OffTanet(nn.Module):
    """`maps` [N, 3, 112, 112] (u, v, strain) -> logits [N, K] and attention [N, 14, 14].

    Attention is not negative and has no unit.

    Args:
        variant: The last block: `triplet` is Off-TANet's, the others are for comparison.
        classes: The number K of classes.
        width: A factor of the numbers of channels. Off-TANet's is 1; teachers are wider.
    """

    def __init__(self, variant: Variant = "triplet", classes: int = 3, width: int = 1) -> None:
        super().__init__()
        self.variant: Variant = variant
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8 * width, 7, stride=2, padding=3), nn.ReLU(), nn.BatchNorm2d(8 * width)
        )
        self.residual1 = Residual(8 * width, 18 * width)
        self.residual2 = Residual(18 * width, 28 * width)
        self.triplet = BLOCKS[variant](
            28 * width, 8
        )  # the same name in every variant, as in checkpoints
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(8 * 7 * 7, 64), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5),
            nn.Linear(64, classes),
        )  # fmt: skip

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits [N, K] and attention [N, 14, 14] of maps [N, 3, 112, 112]."""
        features, attention = self.features(maps)
        return self.head(features), attention

    def features(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return the input [N, 8, 7, 7] of the head, and the attention [N, 14, 14]."""
        features: tuple[Tensor, Tensor] = self.triplet(
            self.residual2(self.residual1(self.stem(maps)))
        )
        return features
