"""The computation in the ONNX file: raw flow -> strain -> scaled map -> network -> softmax.

Training and evaluation call the same `FlowClassifier`, so the preprocessing exists only once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from off_tanet.types import CROP_SIZE
from torch import Tensor, nn

from off_tanet_export.network.attention import ATTENTION_SIZE
from off_tanet_export.network.expressive import ExpressiveHead
from off_tanet_export.network.model import OffTanet
from off_tanet_export.network.residual import LinearResidual

StrainKind = Literal["infinitesimal", "published"]
Scaling = Literal["none", "range", "robust"]

MIN_RANGE = 1e-6
"""A channel with a smaller range of values (pixels for flow) is treated as constant."""

LEAST_STRENGTH = 0.01
"""Added to strengths before their logarithm: less than the noise of any flow, in pixels."""

ROBUST_SHARE = 0.9
"""`robust` scaling: the quantile of the motion about the median that sets the scale."""

MIN_MOTION = 0.02
"""`robust` scaling: the smallest motion, as a share of the channel's range, that counts."""


@dataclass(frozen=True, slots=True)
class PreprocessingConfig:
    """How flow becomes the network's input, and logits become probabilities.

    Attributes:
        strain: `infinitesimal`, or `published`: the formula in the authors' code.
        map_size: The side to which the flow is averaged before strain is computed; it divides 112.
        scaling: `none`, `range` (each channel is stretched to 0..1) or `robust` (also scaled by
            the motion of most of its positions, see `robust_scale`).
        mirrored: Whether logits are the mean of those of the face and of its mirror image.
        temperature: The divisor of the logits.

    Raises:
        ValueError: A value is unknown or out of range, or unscaled maps are to be mirrored.
    """

    strain: StrainKind = "infinitesimal"
    map_size: int = 28
    scaling: Scaling = "robust"
    mirrored: bool = True
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.strain not in get_args(StrainKind):
            raise ValueError(f"unknown kind of strain: {self.strain}")
        if self.scaling not in get_args(Scaling):
            raise ValueError(f"unknown scaling: {self.scaling}")
        if self.map_size < 1 or CROP_SIZE % self.map_size:
            raise ValueError(f"map_size must divide {CROP_SIZE}: {self.map_size}")
        if self.mirrored and not self.scaled:
            raise ValueError("only scaled maps can be mirrored")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature must be positive and finite: {self.temperature}")

    @property
    def scaled(self) -> bool:
        """Whether maps are scaled to 0..1, which removes their unit."""
        return self.scaling != "none"


PUBLISHED = PreprocessingConfig("published", map_size=CROP_SIZE, scaling="none", mirrored=False)
"""The authors' checkpoint was trained with raw pixels, and with a strain that never uses dv/dy."""


class FlowClassifier(nn.Module):
    """`flow` [N, 2, 112, 112] in pixels -> `probabilities` [N, K], `attention` [N, 14, 14].

    Attention is the saliency of each position in the features that the network's own attention
    passes on, from 0 (least on this face) to 1 (most). With a head for it, there is a third output:
    `expressive` [N], the probability that the flow shows an expression at all. A linear residual
    corrects the probabilities.
    """

    # The buffers' names are the initializers' names in the ONNX file.
    stretch: Tensor
    sobel: Tensor

    def __init__(
        self,
        network: OffTanet,
        preprocessing: PreprocessingConfig,
        expressive: ExpressiveHead | None = None,
        residual: LinearResidual | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.expressive = expressive
        self.residual = residual
        self.preprocessing = preprocessing
        matrix = bicubic_matrix(preprocessing.map_size, CROP_SIZE)
        self.register_buffer("stretch", matrix, persistent=False)
        self.register_buffer("sobel", sobel_kernels(), persistent=False)

    def forward(self, flow: Tensor) -> tuple[Tensor, ...]:
        """Classify raw flow: `maps`, then `classify`; and `expressive`, if there is a head."""
        measured = self.measure(flow)
        probabilities, attention, features = self._classify(self.scale(measured))
        if self.residual is not None:
            maps = min_max(measured)
            probabilities = self.residual((maps + mirror(maps)) / 2, probabilities)
        if self.expressive is None:
            return probabilities, attention
        views = 2 if self.preprocessing.mirrored else 1
        logits = self.expressive(features, strength(measured).repeat(views, 1))
        return probabilities, attention, torch.sigmoid(logits.view(views, -1).mean(0))

    def maps(self, flow: Tensor) -> Tensor:
        """Compute the scaled maps (u, v, strain) of a flow.

        Args:
            flow: [N, 2, S, S]; S is a multiple of the map's side M.

        Returns:
            Maps [N, 3, M, M].
        """
        return self.scale(self.measure(flow))

    def measure(self, flow: Tensor) -> Tensor:
        """Average a flow [N, 2, S, S] to maps [N, 3, M, M] of (u, v, strain) that keep its unit."""
        flow = nn.functional.avg_pool2d(flow, flow.shape[-1] // self.preprocessing.map_size)
        return torch.cat([flow, self.strain(flow)], 1)

    def classify(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Compute probabilities [N, K] and attention [N, 14, 14] of scaled maps [N, 3, M, M]."""
        probabilities, attention, _ = self._classify(maps)
        return probabilities, attention

    def scale(self, maps: Tensor) -> Tensor:
        """Scale measured maps [N, 3, M, M] as the network expects them."""
        return rescale(maps, self.preprocessing.scaling)

    def _classify(self, maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute probabilities, attention, and the features of the maps and mirrored maps."""
        if not self.preprocessing.mirrored:
            logits, attention, features = self.run_network(maps)
        else:
            # One batch of twice the size, so that the runtime runs the network once.
            logits, attention, features = self.run_network(torch.cat([maps, mirror(maps)]))
            logits = logits.view(2, -1, logits.shape[1]).mean(0)
            upright, mirrored = attention.view(2, -1, ATTENTION_SIZE, ATTENTION_SIZE)
            attention = (upright + mirrored.flip(2)) / 2
        probabilities = torch.softmax(logits / self.preprocessing.temperature, 1)
        return probabilities, min_max(attention[:, None])[:, 0], features

    def run_network(self, maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute logits [N, K], attention [N, 14, 14] and features of maps [N, 3, M, M]."""
        features, attention = self.network.features(self.enlarge(maps))
        return self.network.head(features), attention, features

    def features(self, maps: Tensor) -> Tensor:
        """Compute the input [N, 8, 7, 7] of the network's head from maps [N, 3, M, M]."""
        return self.network.features(self.enlarge(maps))[0]

    def enlarge(self, maps: Tensor) -> Tensor:
        """Resize maps [N, 3, M, M] to the network's input [N, 3, 112, 112]."""
        return maps if maps.shape[-1] == CROP_SIZE else self.stretch @ maps @ self.stretch.T

    def strain(self, flow: Tensor) -> Tensor:
        """Compute optical strain [N, 1, S, S] from Sobel derivatives of the flow [N, 2, S, S].

        sqrt(ux^2 + vy^2 + (uy + vx)^2 / 2); the published code has uy in place of vy. The Sobel
        kernels are not normalised: derivatives are eight times the true ones.
        """
        padded = nn.functional.pad(flow, (1, 1, 1, 1), mode="reflect")
        ux, uy, vx, vy = nn.functional.conv2d(padded, self.sobel, groups=2).chunk(4, dim=1)
        shear = 0.5 * (uy + vx) ** 2
        stretch = ux**2 + (vy if self.preprocessing.strain == "infinitesimal" else uy) ** 2
        return torch.sqrt(stretch + shear)


def rescale(maps: Tensor, scaling: Scaling) -> Tensor:
    """Scale maps [N, C, S, S] of any unit as networks with this `scaling` expect them."""
    if scaling == "none":
        return maps
    return robust_scale(maps) if scaling == "robust" else min_max(maps)


def min_max(maps: Tensor) -> Tensor:
    """Stretch each channel of [N, C, S, S] to 0..1; a constant one becomes 0.5."""
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    span = high - low
    return torch.where(span < MIN_RANGE, 0.5, (maps - low) / span.clamp_min(MIN_RANGE))


def robust_scale(maps: Tensor) -> Tensor:
    """Scale channels by the motion of most of their positions; the result is in 0..1.

    A single eyelid, nostril or false match can set the range of a channel, which compresses the
    motion of all other positions. Here the median becomes 0.5, the `ROBUST_SHARE` quantile of the
    absolute motion about it sets the scale, and tanh compresses what exceeds it.

    Args:
        maps: [N, C, S, S], of any unit; a constant channel becomes 0.5.

    Returns:
        Maps of the same shape.
    """
    values = maps.flatten(2)
    motion = values - quantile(values, 0.5)
    span = spread(values)
    typical = quantile(motion.abs(), ROBUST_SHARE) + MIN_MOTION * span.clamp_min(MIN_RANGE)
    scaled = 0.5 + 0.5 * torch.tanh(motion / typical)
    return torch.where(span < MIN_RANGE, 0.5, scaled).view_as(maps)


def strength(maps: Tensor) -> Tensor:
    """Measure how strong the motion is that `robust` scaling takes out of maps.

    Args:
        maps: (u, v, strain) as `measure` returns them, [N, 3, S, S].

    Returns:
        Logarithms [N, 6]: for each channel the `ROBUST_SHARE` quantile of the absolute motion about
        the median, and its range. All are the same for the mirrored face.
    """
    values = maps.flatten(2)
    motion = values - quantile(values, 0.5)
    typical = quantile(motion.abs(), ROBUST_SHARE)
    return torch.log(torch.cat([typical, spread(values)], 1)[..., 0] + LEAST_STRENGTH)


def spread(values: Tensor) -> Tensor:
    """Compute the range [N, C, 1] of values [N, C, K]."""
    return values.amax(2, keepdim=True) - values.amin(2, keepdim=True)


def quantile(values: Tensor, share: float) -> Tensor:
    """Compute the quantile [N, C, 1] of values [N, C, K] with operators that ONNX has.

    Only the values from the quantile on are picked, and of those the two lowest: ONNX Runtime takes
    twice the time to sort them.

    Args:
        values: [N, C, K].
        share: The share of values below the quantile, in [0, 1).
    """
    place = share * (values.shape[2] - 1)
    below = int(place)
    above = values.topk(values.shape[2] - below, 2, sorted=False).values
    low, high = above.topk(2, 2, largest=False).values.chunk(2, 2)
    return torch.lerp(low, high, place - below)


def mirror(maps: Tensor) -> Tensor:
    """Return the scaled maps [N, 3, S, S] of the mirrored face: columns reversed, u negated."""
    u, others = maps[:, :1], maps[:, 1:]
    return torch.cat([1 - u, others], 1).flip(3)


def bicubic_matrix(size: int, target: int) -> Tensor:
    """Return the matrix [target, size] of a bicubic resize along one axis.

    ONNX runtimes differ in how they resize at the border, but not in matrix products.
    """
    eye = torch.eye(size)[None, None]
    return nn.functional.interpolate(eye, (target, size), mode="bicubic", align_corners=False)[0, 0]


def sobel_kernels() -> Tensor:
    """Return the x and y derivative of u, then of v, as grouped kernels [4, 1, 3, 3]."""
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    return torch.stack([across, across.T] * 2)[:, None]
