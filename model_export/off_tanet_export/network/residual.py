"""A linear correction of a network's probabilities: no part of the published network either."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MAP_SIZE = 28
VALUES = 3 * MAP_SIZE * MAP_SIZE

PREFIX = "residual."
"""The start of the names of its tensors in our files."""

_LEAST = 1e-6


class LinearResidual(nn.Module):
    """Maps [N, 3, 28, 28] in 0..1, probabilities [N, K] -> corrected probabilities [N, K].

    A linear function of the mean of a map and its mirror image is added; what becomes negative is
    no probability any more. The temperature is that of the corrected probabilities.

    Args:
        classes: The number K of classes.
    """

    weight: Tensor
    bias: Tensor
    temperature: Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(classes, VALUES))
        self.register_buffer("bias", torch.zeros(classes))
        self.register_buffer("temperature", torch.ones(()))

    @property
    def size(self) -> int:
        """The number of parameters."""
        return self.weight.numel() + self.bias.numel()

    def forward(self, mean: Tensor, probabilities: Tensor) -> Tensor:
        """Correct probabilities.

        Args:
            mean: The mean of each map and its mirror image [N, 3, 28, 28].
            probabilities: [N, K].

        Returns:
            Corrected probabilities [N, K].
        """
        corrected = probabilities + mean.flatten(1) @ self.weight.T + self.bias
        return torch.softmax(torch.log(corrected.clamp_min(_LEAST)) / self.temperature, 1)
