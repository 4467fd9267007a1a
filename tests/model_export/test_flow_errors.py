"""Random errors of flows: they add what they say, in the unit of each flow, and draw it anew."""

from __future__ import annotations

import pytest
import torch
from off_tanet_export.training.flow_errors import FlowErrors, add_errors

ALL = FlowErrors(affine=0.3, smooth=0.3, fade=0.5, blur=0.8)
SINGLE = [FlowErrors(affine=0.3), FlowErrors(smooth=0.3), FlowErrors(fade=0.5), FlowErrors(blur=2)]


def flows(count: int = 6) -> torch.Tensor:
    return torch.randn(count, 2, 28, 28, generator=torch.Generator().manual_seed(1))


def drawn(values: torch.Tensor, sizes: FlowErrors, seed: int = 5) -> torch.Tensor:
    return add_errors(values, sizes, torch.Generator().manual_seed(seed))


def test_without_errors_nothing_is_drawn() -> None:
    """Else every training of before would give other weights."""
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    assert torch.equal(add_errors(flows(), FlowErrors(), generator), flows())
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("sizes", SINGLE, ids=lambda sizes: str(sizes))
def test_each_error_changes_the_flow_by_its_size(sizes: FlowErrors) -> None:
    """An error of half the size must change less."""
    half = FlowErrors(sizes.affine / 2, sizes.smooth / 2, sizes.fade / 2, sizes.blur / 2)
    whole, less = ((drawn(flows(), part) - flows()).std() for part in (sizes, half))
    assert 0 < less < whole < 2


def test_errors_have_the_unit_of_the_flow() -> None:
    """A clip's motion may be a tenth of a pixel or ten of them."""
    assert torch.allclose(drawn(8 * flows(), ALL), 8 * drawn(flows(), ALL), atol=1e-4)


def test_affine_motion_is_affine() -> None:
    added = (drawn(flows(), FlowErrors(affine=0.3)) - flows()).double()
    bent = added[:, :, 1:-1] - (added[:, :, :-2] + added[:, :, 2:]) / 2
    assert bent.abs().max() < 1e-5 < added.std()


def test_a_blurred_constant_stays_constant() -> None:
    """The border is replicated; zeros beyond it would darken it."""
    still = torch.full((2, 2, 28, 28), 1.5)
    assert torch.allclose(drawn(still, FlowErrors(blur=2)), still, atol=1e-5)
