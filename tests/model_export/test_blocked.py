"""The network in whole blocks of channels is the same function as the network."""

from __future__ import annotations

import pytest
import torch
from off_tanet_export.network.blocked import BlockedConvolution, blocked
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.model import OffTanet
from torch import nn
from torch.nn import functional

from tests.model_export import examples

VARIANTS: tuple[Variant, ...] = ("triplet", "cbam", "self", "bottleneck", "residual")


def maps(count: int = 3) -> torch.Tensor:
    """Maps of noise, with a bright corner: what a wrong border would change most."""
    noise = torch.rand(count, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    noise[:, :, :5, -5:] += 5
    return noise


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_and_attention_are_those_of_the_network(variant: Variant) -> None:
    """Every file that is exported is traced from it."""
    network = OffTanet(variant).eval()
    common = {
        name: tensor
        for name, tensor in examples.network().state_dict().items()
        if not name.startswith("triplet")
    }
    network.load_state_dict(common, strict=False)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fast = blocked(network)
    with torch.inference_mode():
        for ours, theirs in zip(fast(maps()), network(maps()), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-6)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize(("channels", "parts"), [(8, (8,)), (18, (16, 2)), (28, (28,)), (3, (3,))])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_is_that_of_its_layer(
    channels: int, parts: tuple[int, ...], stride: int
) -> None:
    """For few channels, several rows are one convolution; their order must be restored."""
    layer = nn.Conv2d(5, channels, 3, stride, padding=1)
    convolution = BlockedConvolution(layer, (4, 1))
    picture = torch.rand(2, 5, 80, 80, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        found = convolution.unpack(convolution(tuple(picture.split((4, 1), 1))))  # type: ignore[no-untyped-call]
        assert tuple(part.shape[1] for part in found) == convolution.channels == parts
        expected = functional.conv2d(picture, layer.weight, layer.bias, stride, 1)
        torch.testing.assert_close(torch.cat(found, 1), expected, rtol=0, atol=1e-5)
