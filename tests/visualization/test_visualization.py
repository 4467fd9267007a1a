"""Images of flow, attention and motion: their colours and marks agree with the numbers."""

from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest
from off_tanet.types import Flow, ModelName, Moment, Motion, Pixels, Prediction, Quality, Reason
from off_tanet.visualization import (
    arrows_png,
    attention_png,
    crop_png,
    data_uri,
    flow_png,
    motion_png,
    report_png,
    strain_png,
)
from off_tanet.visualization.color_wheel import flow_colours

from tests.support import face_motion, factories

SIDE, STRIP = 672, 96
CROP = face_motion.face_crop()


def opened(png: bytes) -> Pixels:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def colour_of(u: float, v: float) -> list[int]:
    """Blue, green, red of one vector."""
    return [int(part) for part in flow_colours(np.array([[[u]], [[v]]], np.float32))[0, 0]]


def circle(length: float = 1.0, count: int = 720) -> Flow:
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return (length * np.stack([np.cos(angles), np.sin(angles)])[:, None]).astype(np.float32)


def test_directions_have_the_middlebury_hues() -> None:
    """The convention of the field: right is red, and so on around the wheel."""
    assert colour_of(1, 0) == [0, 0, 255]
    blue, green, red = colour_of(0, 1)  # down: yellow
    assert red == 255
    assert green > 200
    assert blue == 0
    blue, green, red = colour_of(-1, 0)  # left: between cyan and blue
    assert blue == 255
    assert green > 150
    assert red == 0
    blue, green, red = colour_of(0, -1)  # up: between blue and magenta
    assert blue == 255
    assert green == 0
    assert 50 < red < 150


def test_every_hue_is_full_on_the_unit_circle() -> None:
    """At full length one channel is full and one empty: saturation is the length."""
    colours = flow_colours(circle())
    assert (colours.max(axis=-1) == 255).all()
    assert (colours.min(axis=-1) == 0).all()


def test_the_wheel_has_no_seam() -> None:
    """Similar directions have similar colours, also at the wheel's ends."""
    colours = flow_colours(circle())[0].astype(int)
    assert np.abs(colours - np.roll(colours, 1, axis=0)).max() < 40


def test_length_is_saturation_and_beyond_the_scale_is_darker() -> None:
    assert colour_of(0, 0) == [255, 255, 255]
    assert colour_of(0.5, 0) == [128, 128, 255]
    assert colour_of(2, 0) == [0, 0, 191]


def test_the_flow_image_is_large_and_has_a_legend() -> None:
    """112 pixels are too few to see anything; a colour without a scale means nothing."""
    picture = opened(flow_png(face_motion.smile(1)))
    assert picture.shape == (SIDE + STRIP, SIDE, 3)
    legend = picture[SIDE:]
    assert (legend[8:88, 12:92].min(axis=2) < 40).any()  # the wheel, in full colours
    assert (legend[:, 108:].max(axis=2) < 100).any()  # the text


def test_the_flow_image_shows_place_and_direction() -> None:
    """The lip corner on the image's left goes up and left, the one on the right up and right."""
    picture = opened(flow_png(face_motion.smile(1)))
    left, right = (picture[int(0.7 * SIDE), int(x * SIDE)].astype(int) for x in (0.27, 0.73))
    assert left[0] > left[2]  # bluer than red
    assert right[2] > left[2]
    assert (picture[20, 20] > 240).all()  # white: nothing moves there


def test_the_scale_follows_the_flow_in_round_steps() -> None:
    """Twice the motion on twice the scale is the same image with another legend."""
    once, twice = (opened(flow_png(face_motion.smile(px))) for px in (1, 2))
    assert (once[:SIDE] == twice[:SIDE]).all()
    assert (once[SIDE:] != twice[SIDE:]).any()


def test_noise_stays_pale() -> None:
    """Scaled up to full colour, a still face would seem to move."""
    noise = np.random.default_rng(0).normal(0, 0.01, (2, 112, 112)).astype(np.float32)
    assert opened(flow_png(noise))[:SIDE].min() > 200


def test_attention_is_brightest_where_it_is_highest() -> None:
    """Cividis grows in lightness, which all readers can see."""
    attention = np.zeros((14, 14), np.float32)
    attention[2, 11] = 1
    even = np.full((112, 112), 128, np.uint8)
    picture = opened(attention_png(attention, even))
    assert picture.shape == (SIDE + STRIP, SIDE, 3)
    lightness = cv2.cvtColor(picture[:SIDE], cv2.COLOR_BGR2GRAY)
    row, column = np.unravel_index(lightness.argmax(), lightness.shape)
    assert int(row) // 48 == 2
    assert int(column) // 48 == 11


def test_the_face_is_visible_through_the_attention() -> None:
    """A map without the face under it does not show its place."""
    picture = opened(attention_png(np.full((14, 14), 0.5, np.float32), CROP))[:SIDE]
    seen = cv2.resize(factories.grey(picture), (112, 112), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(seen.ravel(), CROP.ravel())[0, 1] > 0.95


def test_arrows_are_where_the_skin_moves() -> None:
    """A smile's arrows lie about the mouth, and a still face has none."""
    pictures = (opened(arrows_png(face_motion.smile(px), CROP))[:SIDE] for px in (0, 1.2))
    still, moved = ((picture == (178, 114, 0)).all(axis=2) for picture in pictures)
    upper, lower = slice(0, SIDE // 2), slice(SIDE // 2, SIDE)
    assert (moved[upper] == still[upper]).all()  # dots
    assert moved[lower].sum() > 3 * still[lower].sum()


def test_strain_is_brightest_where_skin_is_stretched() -> None:
    """A head that moves as a whole has no strain; a raised brow has, at its edge."""
    flow = face_motion.raised_brows(1) + np.float32(2)
    picture = opened(strain_png(flow))
    assert picture.shape == (SIDE + STRIP, SIDE, 3)
    lightness = cv2.cvtColor(picture[:SIDE], cv2.COLOR_BGR2GRAY)
    assert lightness[: SIDE // 3].max() > 150
    assert lightness[SIDE // 2 :].max() < 60


def test_the_strain_of_a_known_stretch_is_stated() -> None:
    """u = 0.02 x is a strain of 2 per cent everywhere: full colour, except at the border."""
    stretch = face_motion.affine_flow(np.array([[0.02 * 112, 0, 0], [0, 0, 0]]))
    inside = opened(strain_png(stretch))[SIDE // 4 : SIDE // 2, SIDE // 4 : SIDE // 2]
    brightest = (56, 233, 255)  # the last colour of cividis
    assert np.abs(inside.astype(int) - brightest).max() < 12


def test_a_crop_is_returned_unchanged() -> None:
    """It is the exact input of the model, for other checks."""
    crop = opened(crop_png(CROP))
    assert (crop == CROP[..., None]).all()


def prediction(**changes: object) -> Prediction:
    """A prediction for a synthetic smile."""
    flow = face_motion.smile(1)
    whole = Prediction(
        model=ModelName("off-tanet", "1.0.0"),
        label="positive",
        reason=None,
        probabilities={"negative": 0.05, "positive": 0.9, "surprise": 0.05},
        expression_probability=0.97,
        onset=Moment(0, 0.0),
        apex=Moment(25, 1.0),
        classified=Moment(25, 1.0),
        face=None,
        quality=Quality(0.4, 0.1, ("low_motion", "several_faces")),
        flow=flow,
        attention=np.eye(14, dtype=np.float32),
        onset_crop=CROP,
        apex_crop=face_motion.face_crop(flow),
        motion=curve(),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_the_report_has_everything_on_one_page() -> None:
    """The note too: a page is passed on without the README."""
    full, pair = (opened(report_png(prediction(motion=motion))) for motion in (curve(), None))
    assert full.shape[1] == 1654
    assert 500 < len(full) - len(pair) < 700  # a pair has no curve
    assert (full[:60] == 255).all()
    assert (full[:, :70] == 255).all()
    assert (full[:, -70:] == 255).all(), "something runs over the margin"
    note = full[-320:-80]
    assert (note.max(axis=2) < 130).sum() > 5000


def test_the_report_has_the_warnings() -> None:
    """Numbers without their warnings look better than they are."""
    warned = report_png(prediction())
    trusted = report_png(prediction(quality=Quality(0.4, 0.1)))
    assert warned != trusted


def test_the_report_greys_the_bars_without_a_label() -> None:
    """A blue bar would be read as the answer, whatever the words above it say."""
    pages = [report_png(page) for page in (prediction(motion=None), unnamed("no_motion"))]
    blue = [(opened(page) == (178, 114, 0)).all(axis=2).sum() for page in pages]
    bar = 0.9 * 32 * (1654 - 2 * 80 - 180 - 120)  # pixels; the two other bars are short
    assert blue[0] - blue[1] == pytest.approx(bar / 0.9, rel=0.01)


def test_the_report_says_why_there_is_no_label() -> None:
    pages = [opened(report_png(unnamed(reason))) for reason in ("no_motion", "head_motion")]
    assert len(pages[0]) == len(pages[1]) > len(opened(report_png(prediction(motion=None))))
    assert (pages[0] != pages[1]).any()


def unnamed(reason: Reason) -> Prediction:
    return prediction(label=None, reason=reason, expression_probability=0.1, motion=None)


def curve(frames: int = 50, peak: float = 0.4) -> Motion:
    times = (np.arange(frames) / 25).astype(np.float32)
    strength = peak * np.exp(-0.5 * ((times - times[frames // 2]) / 0.2) ** 2)
    return Motion(strength.astype(np.float32), times)


GREEN, VERMILION, PURPLE = (115, 158, 0), (0, 94, 213), (167, 121, 204)


def marked_column(png: bytes, colour: tuple[int, int, int]) -> float | None:
    """The columns with a long vertical line of this colour."""
    of_colour = (opened(png) == colour).all(axis=2).sum(axis=0)
    return float(np.flatnonzero(of_colour > 60).mean()) if (of_colour > 60).any() else None


@pytest.mark.parametrize(("onset", "apex", "offset"), [(0, 25, 40), (10, 30, 49)])
def test_the_moments_are_marked_at_their_times(onset: int, apex: int, offset: int) -> None:
    """A mark at the wrong frame is worse than none."""
    png = motion_png(curve(), onset, apex, offset)
    for frame, colour in ((onset, GREEN), (apex, VERMILION), (offset, PURPLE)):
        place = np.interp(frame, [0, 49], [100, 1280 - 32])
        assert marked_column(png, colour) == pytest.approx(place, abs=1)


def test_no_offset_is_marked_if_there_is_none() -> None:
    """A clip may end while the face still moves."""
    assert marked_column(motion_png(curve(), 0, 25), PURPLE) is None


def test_no_line_crosses_a_label() -> None:
    """Not even if all moments are one after the other, on the right end."""
    picture = opened(motion_png(curve(), 47, 48, 49))
    labels = picture[50:84]  # above the curve: squares and dark letters on white
    for colour in (GREEN, VERMILION, PURPLE):
        assert (labels == colour).all(axis=2).sum() == 20 * 20, "the square of the legend alone"


def test_the_offset_is_where_the_motion_ends() -> None:
    motion = curve()
    offset = motion.offset(25)
    assert offset is not None
    assert (
        motion.strength_px[offset] < 0.25 * motion.strength_px[25] <= motion.strength_px[offset - 1]
    )
    assert Motion(motion.strength_px, motion.times_s, scene_end=30).offset(25) is None


def test_the_curve_fills_its_image() -> None:
    """The axes follow the data, so that a weak expression is as visible as a strong one."""
    for peak in (0.4, 40.0):
        blue = (opened(motion_png(curve(peak=peak), 0, 25)) == (178, 114, 0)).all(axis=2)
        rows = np.flatnonzero(blue.any(axis=1))
        assert np.ptp(rows) > 240


def test_noise_does_not_fill_the_image() -> None:
    """The axis never ends below a quarter of a pixel: flat must look flat."""
    blue = (opened(motion_png(curve(peak=0.01), 0, 25)) == (178, 114, 0)).all(axis=2)
    assert np.ptp(np.flatnonzero(blue.any(axis=1))) < 40


@pytest.mark.parametrize("times", [[0.0, 0.04], [3.0, 3.0], [10.0, 3600.0]])
def test_the_shortest_clips_can_be_drawn(times: list[float]) -> None:
    """Two frames, equal time stamps and long pauses are valid clips, too."""
    motion = Motion(np.array([0, 1], np.float32), np.array(times, np.float32))
    assert opened(motion_png(motion, 0, 1)).shape == (600, 1280, 3)


def test_a_data_uri_holds_its_png() -> None:
    png = flow_png(face_motion.smile(1))
    head, body = data_uri(png).split(",", 1)
    assert head == "data:image/png;base64"
    assert base64.b64decode(body, validate=True) == png
