"""The network against the paper's figures and the authors' own answers."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from off_tanet_export.checkpoint import load, save
from off_tanet_export.network.attention import SelfAttention, positions
from off_tanet_export.network.blocks import Variant
from off_tanet_export.network.model import OffTanet

from tests.model_export import examples
from tests.support.shared import shared


def test_the_number_of_parameters_is_the_papers() -> None:
    """A wrong layer or bias would still train, as another network."""
    assert OffTanet().size == 59_403


PARAMETERS: dict[Variant, int] = {
    "cbam": 56_967,
    "self": 57_589,
    "bottleneck": 48_625,
    "residual": 50_353,
}


@pytest.mark.parametrize("variant", PARAMETERS)
def test_each_variant_has_the_papers_number_of_parameters(variant: Variant, tmp_path: Path) -> None:
    """Nothing else is known of them; a variant that is saved must be loaded as itself."""
    network = OffTanet(variant).eval()
    assert network.size == PARAMETERS[variant]
    save(dataclasses.replace(examples.checkpoint(), network=network), tmp_path / "c")
    maps = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        logits, attention = network(maps)
        torch.testing.assert_close(load(tmp_path / "c").network(maps)[0], logits)
    assert attention.shape == (2, 14, 14)
    assert (attention.amax((1, 2)) > 0).all()


def test_published_weights_give_the_authors_logits() -> None:
    """The only proof that layers, their order and the published names are right."""
    network = load(shared("off_tanet_2021/LOSO1_60epoch.pth")).network
    reference = np.load(shared("off_tanet_2021/reference.npz"))
    with torch.inference_mode():
        logits, _ = network(torch.from_numpy(reference["input"]))
    np.testing.assert_allclose(logits.numpy(), reference["logits"], rtol=0, atol=1e-4)


def test_positions_follow_the_formula() -> None:
    """The matrix is a constant outside of the checkpoint, so no other test would notice."""
    matrix = positions(14)
    p0, p3 = math.sin(1.0), math.cos(10_000 ** (-1 / 14))
    assert matrix[0, 0] == pytest.approx(2 * p0, abs=1e-6)
    assert matrix[3, 0] == matrix[0, 3] == pytest.approx(p0 + p3, abs=1e-6)


def test_self_attention_keeps_channels_apart() -> None:
    """Four heads may be one convolution only because channels do not see each other's scores."""
    attention = SelfAttention(28, 28)
    for convolution in (attention.query, attention.key, attention.value):
        torch.nn.init.dirac_(convolution.weight)
    x = torch.randn(1, 28, 14, 14, generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, 5] += 1
    same = torch.isclose(attention(x), attention(changed)).all(dim=3).all(dim=2)[0]
    assert same.logical_not().nonzero().flatten().tolist() == [5]


def test_answers_do_not_depend_on_the_batch() -> None:
    """A position matrix or a pooling that mixes the batch would show only under load."""
    network = examples.network()
    maps = torch.randn(5, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together, attention = network(maps)
        alone = torch.cat([network(one[None])[0] for one in maps])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert attention.shape == (5, 14, 14)
    assert 0 <= attention.min() < attention.max()
