"""Rendered motion as the service measures it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from off_tanet.configuration import ASSETS
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet_export.checkpoint import load
from off_tanet_export.commands import main
from off_tanet_export.errors import MapsError
from off_tanet_export.experiments.sensitivity import (
    AMPLITUDES_PX,
    draw_units,
    locate_crop,
    measure_flows,
    read_face,
    sensitivity_curve,
)
from off_tanet_export.synthesis.action_units import MIXES
from off_tanet_export.synthesis.camera import shoot
from off_tanet_export.synthesis.samples import motion, portrait

from tests.model_export.examples import WEIGHTS
from tests.support import factories


def test_motion_is_measured_in_the_requested_size() -> None:
    """An amplitude in other pixels than the crop's would shift the whole curve."""
    face, detector = portrait(320), FaceDetector(ASSETS)
    field = motion({"AU12": 1.0}, locate_crop(detector, shoot(face)), 320)
    flows = measure_flows(face, field, detector, np.random.default_rng(0))
    assert flows.shape == (len(AMPLITUDES_PX), 2, 112, 112)
    lengths = np.percentile(np.hypot(flows[:, 0], flows[:, 1]), 99, axis=(1, 2))
    # TV-L1 does not see the first tenths of a pixel; what is added after them, it measures.
    steps = np.diff(lengths[4:]) / np.diff(AMPLITUDES_PX[4:])
    assert ((steps > 0.6) & (steps < 1.3)).all()


def test_plain_motion_is_classified_correctly() -> None:
    """The shipped model, from frames: at 2 px few may be wrong, or the parts do not fit."""
    shares = sensitivity_curve(load(WEIGHTS), [portrait(320)], repeats=1, seed=3)
    assert tuple(shares) == AMPLITUDES_PX
    assert shares[2.0] == 1.0


def test_units_are_drawn_from_their_class() -> None:
    """A smile labelled as surprise would be counted as an error."""
    rng = np.random.default_rng(0)
    smiles = [units for units, _ in MIXES[1]]
    assert all(draw_units(1, rng) in smiles for _ in range(20))


def test_a_face_is_cropped_from_its_image(tmp_path: Path) -> None:
    """From an image or a clip, and large enough to be detected again."""
    (tmp_path / "a.png").write_bytes(factories.png(factories.portrait()))
    (tmp_path / "a.mp4").write_bytes(factories.mp4([factories.portrait()] * 2))
    for name in ("a.png", "a.mp4"):
        face = read_face(tmp_path / name)
        assert face.shape == (320, 320, 3)
        assert locate_crop(FaceDetector(ASSETS), shoot(face)) is not None


def test_images_without_a_face_are_reported(tmp_path: Path) -> None:
    """One line, and no curve."""
    (tmp_path / "none.png").write_bytes(factories.png(factories.picture()))
    (tmp_path / "text.png").write_text("words")
    for name, message in {
        "none.png": "shows no face",
        "text.png": "supported formats",
        "absent.png": "does not exist",
    }.items():
        with pytest.raises(MapsError, match=message):
            read_face(tmp_path / name)


def test_the_command_prints_the_curve(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each amplitude."""
    assert main(["sensitivity", "--checkpoint", str(WEIGHTS), "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [float(line.split()[0]) for line in lines] == list(AMPLITUDES_PX)
    assert all(0 <= float(line.split()[2]) <= 1 for line in lines)
