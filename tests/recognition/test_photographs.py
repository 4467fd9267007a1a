"""Large photographs are reduced while they are decoded; the answers are those of the whole ones."""

from __future__ import annotations

from functools import cache
from threading import Barrier
from unittest import mock

import cv2
import numpy as np
import pytest
from off_tanet.errors import FrameSizesError, NoFaceError, UndecodableMediaError
from off_tanet.recognition.media import entropy, images, jpeg
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Pixels, Prediction

from tests.support import factories
from tests.support.face_scenes import pasted, wall

SIDE = 2048


@cache
def _recognizer() -> Recognizer:
    return Recognizer()


def _portrait(side: int) -> Pixels:
    """The portrait's head and shoulders, whose face is 40% of the height."""
    face = factories.portrait()[:270, 90:360]
    return np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def _answers(picture: Pixels, **options: object) -> tuple[Prediction, Prediction, list[int]]:
    """The answers for a JPEG, and for its pixels as a PNG; the reductions of the JPEG's pair."""
    photograph = factories.jpeg(picture)
    whole = factories.png(images.decode_image(photograph, _recognizer().limits))
    with mock.patch.object(images, "decode_pair", wraps=images.decode_pair) as decode:
        answer = _recognizer().frames(photograph, photograph, **options)  # type: ignore[arg-type]
    reductions = [call.args[3] for call in decode.call_args_list]
    return answer, _recognizer().frames(whole, whole, **options), reductions  # type: ignore[arg-type]


def test_a_large_face_is_found_where_it_is_on_the_whole_photograph() -> None:
    """The answer's places are in pixels of the upload, whatever was decoded of it."""
    answer, expected, reductions = _answers(_portrait(SIDE))
    assert reductions == [2]
    assert answer.face is not None
    assert expected.face is not None
    assert answer.face.box == pytest.approx(expected.face.box, abs=0.005 * SIDE)
    assert answer.face.landmarks.nose == pytest.approx(expected.face.landmarks.nose, abs=8)
    assert answer.signals is not None
    assert expected.signals is not None
    for name, distance in (("x", 4), ("y", 4), ("scale", 0.1), ("yaw", 1), ("surroundings", 2)):
        values = getattr(answer.signals, name)
        assert values == pytest.approx(getattr(expected.signals, name), abs=distance), name
    difference = answer.onset_crop.astype(int) - expected.onset_crop
    assert np.abs(difference).mean() < 4
    assert (answer.label, answer.quality.warnings) == (expected.label, expected.quality.warnings)


def test_a_small_face_is_cropped_from_the_whole_photograph() -> None:
    """Its crop would need more pixels than the reduced one has."""
    answer, expected, reductions = _answers(pasted(wall(SIDE, SIDE), _portrait(768), 600, 600))
    assert reductions == [2, 1]
    assert np.array_equal(answer.onset_crop, expected.onset_crop)
    assert answer.face == expected.face


def test_a_face_is_chosen_by_its_box_in_the_upload() -> None:
    picture = wall(2 * SIDE, SIDE)
    picture[:1600, :1600] = _portrait(1600)
    picture[:1400, 2400:3800] = _portrait(1400)
    answer, expected, reductions = _answers(picture, face=(2900.0, 200.0, 500.0, 600.0))
    assert reductions == [2]
    assert answer.face is not None
    assert expected.face is not None
    assert answer.face.box == pytest.approx(expected.face.box, abs=0.005 * SIDE)
    assert answer.face.box[0] > 2400


def test_a_photograph_without_a_face_is_searched_whole() -> None:
    """A face that is only found on the whole one is not missed."""
    photograph = factories.jpeg(wall(SIDE, SIDE))
    with (
        mock.patch.object(images, "decode_pair", wraps=images.decode_pair) as decode,
        pytest.raises(NoFaceError),
    ):
        _recognizer().frames(photograph, photograph)
    assert [call.args[3] for call in decode.call_args_list] == [2, 1]


def test_both_photographs_are_decoded_at_the_same_time() -> None:
    """Decoding is most of the work on large ones: a free core halves the wait."""
    photograph, both = factories.jpeg(_portrait(SIDE)), Barrier(2, timeout=60)
    walk = entropy.walk_jpeg

    def meet(data: bytes) -> entropy.Outcome:
        both.wait()
        return walk(data)

    with mock.patch.object(entropy, "walk_jpeg", meet):
        assert _recognizer().frames(photograph, photograph).face is not None


@pytest.mark.parametrize("broken", [0, 1])
def test_either_broken_photograph_is_refused(broken: int) -> None:
    """Whichever thread decodes it."""
    files = [factories.jpeg(_portrait(SIDE)) for _ in range(2)]
    files[broken] = files[broken][: len(files[broken]) // 2]
    with pytest.raises(UndecodableMediaError, match="truncated or broken"):
        _recognizer().frames(*files)


def test_photographs_that_are_turned_differently_are_refused_with_their_sizes() -> None:
    """The message names the sizes of the uploads, not those that were decoded."""
    picture = np.vstack([_portrait(SIDE), wall(SIDE, 512)])
    upright, turned = factories.jpeg(picture), factories.by_pillow(picture, "JPEG", orientation=6)
    with pytest.raises(FrameSizesError, match=r"2048 x 2560, the apex 2560 x 2048"):
        _recognizer().frames(upright, turned)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(2048, 2048, 2), (4096, 4096, 4), (8192, 1040, 1), (2046, 4096, 1), (4098, 2049, 1)],
)
def test_the_shorter_side_keeps_enough_pixels(width: int, height: int, expected: int) -> None:
    """And sides are divided without a rest: places are exact."""
    file = factories.jpeg(wall(width, height))
    assert jpeg.common_reduction(file, file) == expected


def test_only_pictures_of_one_size_and_kind_are_reduced() -> None:
    """Two pictures of a pair must be decoded in the same way."""
    large, larger = (factories.jpeg(wall(SIDE, side)) for side in (SIDE, SIDE + 2))
    assert jpeg.common_reduction(large, larger) == 1
    assert jpeg.common_reduction(large, factories.png(wall(SIDE, SIDE))) == 1
    assert jpeg.common_reduction(large, large[:100]) == 1
