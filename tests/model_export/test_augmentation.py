"""Flows in other crops: face and motion move together, and nothing else changes."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from off_tanet_export.training.augmentation import Cropping, random_transforms, recrop
from torch import Tensor

STILL = Cropping(**dict.fromkeys(Cropping.__dataclass_fields__, 0.0))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def spot(row: int, column: int) -> Tensor:
    """A flow [1, 2, 40, 40] that is (1, 0) at one place and zero elsewhere."""
    flow = torch.zeros(1, 2, 40, 40)
    flow[0, 0, row, column] = 1
    return flow


def test_without_an_error_the_flow_stays_as_it_is() -> None:
    """The identity crop is exact."""
    flow = torch.randn(3, 2, 40, 40, generator=generator())
    shown = recrop(flow, 28, STILL, generator())
    torch.testing.assert_close(shown, flow[:, :, 6:-6, 6:-6], atol=1e-5, rtol=1e-4)


def test_a_face_moves_by_its_shift() -> None:
    """In fractions of the crop, each flow by its own."""
    shift = random_transforms(5, dataclasses.replace(STILL, right=0.1), generator())[1]
    flows = spot(20, 20).repeat(5, 1, 1, 1)
    shown = recrop(flows, 28, dataclasses.replace(STILL, right=0.1), generator())
    columns = shown[:, 0].amax(1) @ torch.arange(28.0) / shown[:, 0].amax(1).sum(1)
    torch.testing.assert_close(columns, 14 + 28 * shift[:, 0], atol=0.05, rtol=0)
    assert len(set(shift[:, 0].tolist())) == 5


@pytest.mark.parametrize("name", ["down", "across", "along", "scale"])
def test_each_error_moves_the_face(name: str) -> None:
    """A parameter without an effect would go unnoticed."""
    shown = recrop(spot(10, 12), 28, dataclasses.replace(STILL, **{name: 0.3}), generator())
    assert (shown - spot(10, 12)[:, :, 6:-6, 6:-6]).abs().max() > 0.1


def test_motion_turns_with_the_face() -> None:
    """The brows of a rotated head do not rise vertically."""
    flow = torch.zeros(1, 2, 40, 40)
    flow[:, 0] = 1
    turned = recrop(flow, 28, dataclasses.replace(STILL, turn=0.5), generator())
    linear = random_transforms(1, dataclasses.replace(STILL, turn=0.5), generator())[0]
    torch.testing.assert_close(turned[0, :, 14, 14], linear[0, :, 0])
    assert turned[0, :, 14, 14].norm() == pytest.approx(1, abs=1e-5)
    assert abs(turned[0, 1, 14, 14]) > 0.05
