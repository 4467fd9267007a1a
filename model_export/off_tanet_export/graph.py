"""What the ONNX file holds: raw flow -> strain -> scaled map -> network -> softmax.

Training and scoring call the same `FlowClassifier`, so no second copy of the preprocessing exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from off_tanet.types import CLASSES, CROP_SIZE
from torch import Tensor, nn

from off_tanet_export.network.attention import ATTENTION_SIZE
from off_tanet_export.network.model import OffTanet

StrainKind = Literal["infinitesimal", "published"]
Scaling = Literal["none", "range", "robust"]

FLAT = 1e-6
"""A channel whose values differ by less than this, in pixels for flow, has nothing to scale up."""

MOST = 0.9
STILL = 0.02
"""For `robust`: the share of places that counts as most of them, and the least motion, against a
channel's range, that counts as motion at all.
"""


@dataclass(frozen=True, slots=True)
class PreprocessingConfig:
    """How flow becomes the network's map, and logits become probabilities.

    `map_size` is the side that the flow is averaged down to, before strain is taken. With the
    `scaling` `range` each channel is then stretched to 0..1; with `robust` it is so, and then seen
    against what most of its places do. `mirrored` says that the logits are the mean with those of
    the mirrored face; `temperature` divides the logits.
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
            raise ValueError(f"a map's side divides {CROP_SIZE}, and {self.map_size} does not")
        if self.mirrored and not self.scaled:
            raise ValueError("only scaled maps can be mirrored")
        if not 0 < self.temperature < float("inf"):
            raise ValueError("a temperature is a positive number")

    @property
    def scaled(self) -> bool:
        """Whether maps are stretched to 0..1, so that no unit is left in them."""
        return self.scaling != "none"


PUBLISHED = PreprocessingConfig("published", map_size=CROP_SIZE, scaling="none", mirrored=False)
"""What the authors' checkpoint was trained with: raw pixels, and a strain that never uses dv/dy."""


class FlowClassifier(nn.Module):
    """`flow` [N, 2, 112, 112] in pixels -> `probabilities` [N, 3], `attention` [N, 14, 14].

    Attention shows how far each place stands out in the features that the network's own attention
    lets through: 0 is the least of this face and 1 the most.
    """

    stretch: Tensor
    sobel: Tensor

    def __init__(self, network: OffTanet, recipe: PreprocessingConfig) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.register_buffer("stretch", bicubic(recipe.map_size, CROP_SIZE), persistent=False)
        self.register_buffer("sobel", sobel_kernels(), persistent=False)

    def forward(self, flow: Tensor) -> tuple[Tensor, Tensor]:
        return self.classify(self.maps(flow))

    def maps(self, flow: Tensor) -> Tensor:
        """Flow [N, 2, S, S], S a multiple of the map's side M -> (u, v, strain) [N, 3, M, M]."""
        flow = nn.functional.avg_pool2d(flow, flow.shape[-1] // self.recipe.map_size)
        return rescaled(torch.cat([flow, self.strain(flow)], 1), self.recipe.scaling)

    def classify(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Maps [N, 3, M, M] as `maps` makes them -> probabilities [N, 3], attention [N, 14, 14]."""
        if not self.recipe.mirrored:
            logits, attention = self.look(maps)
        else:
            # One batch of twice the size, so that the runtime walks the network once.
            logits, attention = self.look(torch.cat([maps, mirror(maps)]))
            logits = logits.view(2, -1, len(CLASSES)).mean(0)
            seen, mirrored = attention.view(2, -1, ATTENTION_SIZE, ATTENTION_SIZE)
            attention = (seen + mirrored.flip(2)) / 2
        probabilities = torch.softmax(logits / self.recipe.temperature, 1)
        return probabilities, min_max(attention[:, None])[:, 0]

    def look(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Maps [N, 3, M, M] -> the network's logits [N, 3] and attention [N, 14, 14]."""
        logits, attention = self.network(self.enlarged(maps))
        return logits, attention

    def features(self, maps: Tensor) -> Tensor:
        """Maps [N, 3, M, M] -> what the network's head sees, [N, 8, 7, 7]."""
        return self.network.features(self.enlarged(maps))[0]

    def enlarged(self, maps: Tensor) -> Tensor:
        """Maps [N, 3, M, M] -> the network's input [N, 3, 112, 112]."""
        return maps if maps.shape[-1] == CROP_SIZE else self.stretch @ maps @ self.stretch.T

    def strain(self, flow: Tensor) -> Tensor:
        """Optical strain [N, 1, S, S] from unscaled Sobel derivatives of the flow [N, 2, S, S]."""
        padded = nn.functional.pad(flow, (1, 1, 1, 1), mode="reflect")
        ux, uy, vx, vy = nn.functional.conv2d(padded, self.sobel, groups=2).chunk(4, dim=1)
        shear = 0.5 * (uy + vx) ** 2
        stretch = ux**2 + (vy if self.recipe.strain == "infinitesimal" else uy) ** 2
        return torch.sqrt(stretch + shear)


def rescaled(maps: Tensor, scaling: Scaling) -> Tensor:
    """Maps [N, C, S, S] of any unit, as networks with this `scaling` have learned them."""
    if scaling == "none":
        return maps
    maps = min_max(maps)
    return robust(maps) if scaling == "robust" else maps


def min_max(maps: Tensor) -> Tensor:
    """Each channel of [N, C, S, S] stretched to 0..1; a flat one is 0.5, its own mirror image."""
    low, high = maps.amin((2, 3), keepdim=True), maps.amax((2, 3), keepdim=True)
    span = high - low
    return torch.where(span < FLAT, 0.5, (maps - low) / span.clamp_min(FLAT))


def robust(maps: Tensor) -> Tensor:
    """Channels [N, C, S, S] of 0..1, each seen against what most of its places do: in 0..1 again.

    One lid, nostril or false match sets the range, and the rest of the face is left with little of
    it. Here the median becomes 0.5, and motion is squashed the more, the further it goes beyond
    that of most places.
    """
    places = maps.flatten(2)
    motion = places - quantile(places, 0.5)
    ordinary = quantile(motion.abs(), MOST) + STILL
    return (0.5 + 0.5 * torch.tanh(motion / ordinary)).view_as(maps)


def quantile(values: Tensor, share: float) -> Tensor:
    """The value [N, C, 1] below which a `share` (under 1) of [N, C, K] lies, in ONNX's terms."""
    place = share * (values.shape[2] - 1)
    below = int(place)
    around = values.sort(2).values[..., below : below + 2]
    return torch.lerp(around[..., :1], around[..., 1:], place - below)


def mirror(maps: Tensor) -> Tensor:
    """The scaled maps [N, 3, S, S] of the mirrored face: sides swapped, and u turned round."""
    u, rest = maps[:, :1], maps[:, 1:]
    return torch.cat([1 - u, rest], 1).flip(3)


def bicubic(size: int, target: int) -> Tensor:
    """The matrix [target, size] of a bicubic resize along one axis.

    As a matrix, because runtimes differ in how they resize at the border, and not in a product.
    """
    eye = torch.eye(size)[None, None]
    return nn.functional.interpolate(eye, (target, size), mode="bicubic", align_corners=False)[0, 0]


def sobel_kernels() -> Tensor:
    """The x and y derivative of u, then of v, as grouped kernels [4, 1, 3, 3]."""
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    return torch.stack([across, across.T] * 2)[:, None]
