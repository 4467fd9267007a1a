"""A head of its own beside Off-TANet's classes: does the flow show an expression at all?

It is no part of the published network, whose 59,403 parameters do not include it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FEATURES = 8 * 7 * 7
STRENGTHS = 6
HIDDEN = 32

PREFIX = "expressive."
"""The start of the names of the head's tensors in our files."""


class ExpressiveHead(nn.Module):
    """`features` [N, 8, 7, 7], `strength` [N, 6] -> logits [N] that an expression is there.

    The features are those of Off-TANet before its own head. Its maps are scaled and have no unit,
    so how strong the motion is comes beside them (`graph.strength`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(FEATURES + STRENGTHS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 1)
        )

    @property
    def size(self) -> int:
        """The number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, features: Tensor, strength: Tensor) -> Tensor:
        """Return logits [N] of features [N, 8, 7, 7] and strengths [N, 6]."""
        logits: Tensor = self.layers(torch.cat([features.flatten(1), strength], 1))
        return logits[:, 0]
