"""The committed ONNX files of MediaPipe's face detector and face mesh."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from off_tanet.recognition.onnx_session import open_session
from off_tanet.types import Pixels

from tests.support import factories
from tests.support.paths import ROOT

FOLDER = ROOT / "service/off_tanet/assets/face"
DETECTOR = "detector_short_range"
DETECTOR_SIDE, ANCHORS, MESH_SIDE = 128, 896, 192
SIDES = {DETECTOR: DETECTOR_SIDE, "mesh": MESH_SIDE}

RIGHT_EYE, LEFT_EYE, NOSE, MOUTH = (33, 133), (362, 263), (1,), (13, 14)
"""Landmarks whose mean is near a point of the detector; right and left as the person has them."""

Array = NDArray[np.float32]


def detection(pixels: Pixels) -> Array:
    """The detection with the highest score, in pixels of a square picture; its probability."""
    small = cv2.resize(pixels, (DETECTOR_SIDE,) * 2, interpolation=cv2.INTER_AREA)
    session = open_session(FOLDER / f"{DETECTOR}.onnx")
    (answer,) = session.run(["detections"], {"pixels": small[None]})
    assert answer.shape == (1, ANCHORS, 17)
    best: Array = answer[0, answer[0, :, 0].argmax()] * np.float32(len(pixels))
    best[0] = 1 / (1 + np.exp(-best[0] / len(pixels)))
    return best


def mesh(pixels: Pixels, centre: Array, side: float, angle: float) -> tuple[Array, float]:
    """Landmarks [468, 2] in pixels of the picture, and the presence, for a turned square."""
    scale = MESH_SIDE / side
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    affine = np.column_stack([turn, MESH_SIDE / 2 - turn @ centre])
    crop = cv2.warpAffine(pixels, affine, (MESH_SIDE, MESH_SIDE))
    session = open_session(FOLDER / "mesh.onnx")
    landmarks, presence = session.run(["landmarks", "presence"], {"pixels": crop[None]})
    assert landmarks.shape == (1, 468, 3)
    points = landmarks[:, :, :2] * MESH_SIDE
    found = cv2.transform(points, cv2.invertAffineTransform(affine))[0]
    return np.asarray(found, np.float32), float(presence[0])


def test_a_face_is_found_and_its_mesh_lies_on_it() -> None:
    """The portrait's face is at about (225, 115), 100 pixels wide."""
    pixels = factories.portrait()
    found = detection(pixels)
    assert found[0] > 0.85
    x, y, width, height = found[1:5]
    assert x - width / 2 < 205 < 245 < x + width / 2
    assert y - height / 2 < 100 < 148 < y + height / 2
    assert 80 < width < 130
    eyes = found[5:9].reshape(2, 2)
    across = eyes[1] - eyes[0]
    landmarks, presence = mesh(
        pixels, found[1:3], 1.5 * max(width, height), float(np.arctan2(across[1], across[0]))
    )
    assert presence > 0.99
    for point, numbers in enumerate((RIGHT_EYE, LEFT_EYE, NOSE, MOUTH)):
        place = landmarks[list(numbers)].mean(axis=0)
        assert np.abs(place - found[5 + 2 * point : 7 + 2 * point]).max() < 10


@pytest.mark.parametrize("centre", [(430, 400), (80, 430), (256, 330)])
def test_presence_is_low_where_there_is_no_face(centre: tuple[int, int]) -> None:
    """The suit and the flag."""
    _, presence = mesh(factories.portrait(), np.array(centre, np.float32), 150, 0.0)
    assert presence < 0.1


@pytest.mark.parametrize("name", SIDES)
def test_a_batch_answers_as_its_pictures_alone(name: str) -> None:
    session = open_session(FOLDER / f"{name}.onnx")
    side = SIDES[name]
    batch = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), np.uint8)
    together = session.run(None, {"pixels": batch})
    for number in range(len(batch)):
        alone = session.run(None, {"pixels": batch[number : number + 1]})
        for whole, single in zip(together, alone, strict=True):
            np.testing.assert_array_equal(whole[number], single[0])


@pytest.mark.parametrize("name", SIDES)
def test_layers_stay_in_blocked_convolutions(name: str) -> None:
    """A PRelu, a Pad, or a depthwise layer of other than whole blocks costs up to half the time."""
    graph = onnx.load(FOLDER / f"{name}.onnx").graph
    kinds = {node.op_type for node in graph.node}
    assert not kinds & {"PRelu", "Pad", "Mul", "Gemm"}
    for node in graph.node:
        groups = [it.i for it in node.attribute if it.name == "group"]
        assert node.op_type != "Conv" or groups in ([], [1]) or groups[0] % 16 == 0


@pytest.mark.parametrize("name", SIDES)
def test_a_file_names_its_licence_and_its_makers(name: str) -> None:
    """The Apache licence asks for the licence, the notices and the changes."""
    model = onnx.load(FOLDER / f"{name}.onnx")
    onnx.checker.check_model(model, full_check=True)
    properties = {it.key: it.value for it in model.metadata_props}
    notice = (FOLDER / "NOTICE").read_text()
    assert properties["licence"] == "Apache-2.0"
    assert properties["copyright"] in notice
    assert "Apache License" in (FOLDER / "LICENSE").read_text()
    assert f"{name}.onnx" in notice
    assert properties["model_card"] in notice
