"""Warnings: what makes an answer doubtful is named in it, for clips and pairs."""

from __future__ import annotations

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.images import decode_image
from off_tanet.recognition.media.video import open_clip
from off_tanet.types import Pixels

from tests.support import factories, synthetic_heads
from tests.support.encoders import film
from tests.support.requests import CLIP, ask_clip, ask_frames, check_complete, pair


def filmed(*parts: tuple[synthetic_heads.Floats, int]) -> list[Pixels]:
    pictures = [picture for picture, count in parts for _ in range(count)]
    return [synthetic_heads.shot(picture, 1.0, seed) for seed, picture in enumerate(pictures)]


def warnings(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    check_complete(answer.json())
    return set(answer.json()["quality"]["warnings"])


STILL = synthetic_heads.still()
DISTURBED = {
    "turned_head": filmed((synthetic_heads.turned(yaw=35), 8)),
    "blink": filmed((STILL, 3), (synthetic_heads.closed_eyes(), 6)),
    "occluded": filmed((STILL, 4), (synthetic_heads.covered(STILL), 6)),
    "face_lost": filmed((STILL, 8), (synthetic_heads.covered(STILL, size=0.9), 4)),
    "cut": filmed((STILL, 8), (STILL[:, ::-1], 5)),
}


@pytest.mark.parametrize("word", DISTURBED)
def test_a_disturbed_clip_has_warnings(http: httpx.Client, word: str) -> None:
    answer = http.post(
        "/v1/predictions/clip",
        files={"video": film(DISTURBED[word], fps=25)},
        data={"onset_index": "0", "apex_index": "7"},
    )
    assert word in warnings(answer)


def test_an_undisturbed_clip_has_no_such_warning(http: httpx.Client) -> None:
    assert not set(DISTURBED) & warnings(ask_clip(http, CLIP.read_bytes()))


@pytest.mark.parametrize("word", ["turned_head", "blink", "occluded"])
def test_a_disturbed_pair_has_warnings(http: httpx.Client, word: str) -> None:
    pictures = DISTURBED[word]
    assert word in warnings(
        ask_frames(http, factories.png(pictures[0]), factories.png(pictures[-1]))
    )


HIDDEN = {
    "occluded": {"a mask": synthetic_heads.masked(), "a black mask": synthetic_heads.masked(30, 0)},
    "blink": {"closed eyes": synthetic_heads.closed_eyes()},
}


@pytest.mark.parametrize(("word", "name"), [(w, n) for w, kind in HIDDEN.items() for n in kind])
def test_what_is_hidden_from_the_first_frame_on_is_reported(
    http: httpx.Client, word: str, name: str
) -> None:
    """A clip or pair that never shows the uncovered face has no reference to compare with."""
    pictures = filmed((HIDDEN[word][name], 8))
    clip = http.post("/v1/predictions/clip", files={"video": film(pictures, fps=25)})
    assert word in warnings(clip)
    assert word in warnings(
        ask_frames(http, factories.png(pictures[0]), factories.png(pictures[-1]))
    )


def test_a_video_of_a_masked_face_has_a_warning(http: httpx.Client) -> None:
    """A covered face shows no expression: an empty answer must state the reason."""
    video = film(filmed((synthetic_heads.masked(), 30)), fps=25)
    answer = http.post("/v1/predictions/video", files={"video": video})
    assert answer.status_code == 200, answer.text
    assert answer.json()["expressions"] == []
    assert "occluded" in answer.json()["warnings"]


def test_different_images_are_a_cut_and_nothing_else(http: httpx.Client) -> None:
    other = synthetic_heads.shot(synthetic_heads.other_scene())
    found = warnings(
        ask_frames(http, factories.png(synthetic_heads.shot(STILL)), factories.png(other))
    )
    assert "cut" in found
    assert not found & {"blink", "occluded"}


def test_the_longest_scene_is_answered(http: httpx.Client) -> None:
    """A carelessly cut clip begins with the end of another shot."""
    mirrored = np.ascontiguousarray(STILL[:, ::-1])
    answer = ask_clip(http, film(filmed((mirrored, 3), (STILL, 9)), fps=25))
    assert "cut" in warnings(answer)
    assert answer.json()["onset"] == {"index": 3, "time_s": 0.12}
    assert answer.json()["apex"]["index"] > 3


def test_a_damaged_clip_is_answered_from_what_decodes(http: httpx.Client) -> None:
    data = bytearray(film(filmed((STILL, 24)), fps=25, options={"g": "6", "bf": "0"}))
    data[len(data) // 2 : len(data) // 2 + 400] = bytes(400)
    assert "damaged_video" in warnings(ask_clip(http, bytes(data)))


def relit(pixels: Pixels, gain: float | NDArray[np.float64]) -> Pixels:
    return np.asarray(np.clip(np.rint(pixels * gain), 0, 255), np.uint8)


@pytest.mark.parametrize("label", ["negative", "positive", "surprise"])
@pytest.mark.parametrize("gain", [0.8, 0.95, 1.05, 1.12, 1.2])
def test_light_changes_neither_label_nor_motion(
    http: httpx.Client, label: str, gain: float
) -> None:
    """Automatic exposure or a cloud between two images of one face is not an expression."""
    onset, apex = (decode_image(data, MediaLimits()) for data in pair(label))
    still = ask_frames(http, factories.png(onset), factories.png(relit(onset, gain)))
    assert still.json()["quality"]["motion_px"] < 0.2
    assert warnings(still) <= {"no_motion", "low_motion"}
    pictures = (factories.png(picture) for picture in (apex, relit(apex, gain)))
    plain, lit = (ask_frames(http, factories.png(onset), picture) for picture in pictures)
    assert lit.json()["label"] == plain.json()["label"] == label
    assert warnings(lit) == warnings(plain)


def test_a_shadow_over_half_the_face_is_reported(http: httpx.Client) -> None:
    """A change of light that cannot be undone smoothly makes the answer doubtful."""
    shadow = np.where(np.arange(STILL.shape[1]) < STILL.shape[1] / 2, 1.0, 0.5)[:, None]
    onset = synthetic_heads.shot(STILL)
    found = warnings(ask_frames(http, factories.png(onset), factories.png(relit(onset, shadow))))
    assert "light_change" in found


@pytest.mark.parametrize("fps", [120, 200])
def test_a_flickering_lamp_does_not_change_a_clip(http: httpx.Client, fps: int) -> None:
    """Lamps flicker at 100 Hz: frames at 120 and 200 a second alternate in brightness."""
    frames = [frame.pixels for frame in open_clip(CLIP.read_bytes(), MediaLimits())]
    times_s = np.arange(len(frames)) / fps
    flicker = 1 + 0.12 * np.sin(2 * np.pi * 100 * times_s + 0.7)
    lit = [relit(frame, gain) for frame, gain in zip(frames, flicker, strict=True)]
    films = (film(clip, fps=fps, options={"crf": "12"}) for clip in (frames, lit))
    plain, seen = (ask_clip(http, clip) for clip in films)
    assert seen.json()["label"] == plain.json()["label"]
    assert abs(seen.json()["apex"]["index"] - plain.json()["apex"]["index"]) <= 2
    assert warnings(seen) == warnings(plain)
