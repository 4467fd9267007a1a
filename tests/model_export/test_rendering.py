"""Rendered pairs of moving faces, and the flow that the service measures in them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from off_tanet.recognition.flow import tvl1
from off_tanet_export.synthesis.camera import warp
from off_tanet_export.synthesis.generator import Nuisances
from off_tanet_export.synthesis.rendering import (
    Rendering,
    Scene,
    enlarge,
    keep_still_blocks,
    place_portrait,
)

CALM: dict[str, Any] = dict.fromkeys(Nuisances.__dataclass_fields__, 0.0)
ALWAYS = ("amplitude", "nuisances", "smallest", "largest")
VARYING = [name for name in Scene.__dataclass_fields__ if name not in ALWAYS]
OFF: dict[str, Any] = dict.fromkeys(VARYING, 0.0)
STUDIO = Scene(**OFF, amplitude=2.0, nuisances=Nuisances(**CALM))
"""Only the face, its resolution and its expression vary."""


def test_equal_seeds_render_equal_flows() -> None:
    """A training run can be repeated; each face makes one expression of each class."""
    (first, labels), (again, _), (other, _) = (Rendering(seed).draw(3) for seed in (1, 1, 2))
    assert first.shape == (3, 2, 28, 28)
    assert first.dtype == np.float32
    assert labels.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_raised_brows_are_measured_upwards() -> None:
    """From action units over pixels and the crop to flow: no sign or axis may be inverted."""
    rendering = Rendering(0, STUDIO)
    flows = [tvl1(*rendering.pair(rendering.face(), 2)) for _ in range(8)]
    brows = np.mean([flow[1, 8:28].mean() for flow in flows])
    cheeks = np.mean([flow[1, 50:70].mean() for flow in flows])
    assert brows < -0.3
    assert abs(cheeks) < 0.3 * abs(brows)


def test_a_face_at_rest_in_a_studio_does_not_move() -> None:
    """Without nuisances and expression, onset and apex are one image."""
    rendering = Rendering(0, dataclasses.replace(STUDIO, amplitude=0.0))
    before, after = rendering.pair(rendering.face(), 0)
    np.testing.assert_array_equal(before, after)


def test_pairs_get_one_light_as_in_the_service() -> None:
    """The network must see what light matching leaves, and what it does to other flows."""
    scene = dataclasses.replace(STUDIO, amplitude=0.0, light=0.1)
    strength = {}
    for share in (0.0, 1.0):
        rendering = Rendering(2, dataclasses.replace(scene, matched=share))
        strength[share] = np.hypot(*rendering.flow(*rendering.pair(place_portrait(150), 0))).mean()
    assert strength[1.0] < 0.1 < strength[0.0]


@pytest.mark.parametrize(
    "name",
    ["gaze", "head", "noise", "blur", "light", "jpeg", "right", "down", "scale", "turn"],
)
def test_each_part_of_a_scene_changes_the_images(name: str) -> None:
    """A parameter without an effect would go unnoticed."""
    change: dict[str, Any] = {name: 1.0 if name in ("gaze", "jpeg", "blur") else 0.2}
    varied = dataclasses.replace(STUDIO, **change)
    face = place_portrait(150)
    plain, other = (Rendering(3, scene).pair(face, 1) for scene in (STUDIO, varied))
    assert any((a != b).any() for a, b in zip(plain, other, strict=True))


def test_an_image_is_moved_forward() -> None:
    """What was at p is at p + motion: the flow points from onset to apex."""
    picture = np.zeros((40, 40), np.float32)
    picture[20, 20] = 100
    shift = np.stack([np.full((40, 40), 3.0), np.full((40, 40), -2.0)]).astype(np.float32)
    row, column = np.unravel_index(warp(picture, shift).argmax(), (40, 40))
    assert (int(row), int(column)) == (18, 23)


def test_motion_is_in_pixels_of_the_crop() -> None:
    """An image of 1.5 crops at twice the crop's resolution moves by twice as many pixels."""
    motion = enlarge(np.ones((2, 66, 66), np.float32), 336)
    assert motion.shape == (2, 336, 336)
    np.testing.assert_allclose(motion, 2, rtol=1e-5)


def test_blocks_that_hardly_change_stay_still() -> None:
    """And those that change do change."""
    onset = np.full((32, 32), 100, np.uint8)
    apex = onset + 1
    apex[8:16, 8:16] = 150
    kept = keep_still_blocks(onset, apex, 3)
    assert (kept[8:16, 8:16] == 150).all()
    kept[8:16, 8:16] = 100
    assert (kept == 100).all()


def test_the_portrait_lies_where_drawn_faces_do() -> None:
    """Its eyes are darker than its cheeks, at the crop's places."""
    face = place_portrait(150)
    eyes = [face[51:55, column - 3 : column + 3].mean() for column in (52, 98)]
    assert max(eyes) < 0.8 * face[70:80, 50:60].mean()
