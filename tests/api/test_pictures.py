"""Real-world images over HTTP."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import cv2
import httpx
import numpy as np
import pytest
from off_tanet.types import Pixels
from PIL import Image

from tests.api.test_quality import warnings
from tests.support import factories, synthetic_heads
from tests.support.processes import workers_of
from tests.support.requests import ask_frames, pair
from tests.support.serving import Server, serving

FACE = factories.portrait()
STRIPS = [(790, 36_861), (193, 31_237), (1080, 20_000), (16, 60_000), (480, 60_000)]


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("pictures"), workers=1) as running:
        yield running


def test_the_scales_of_the_legends_come_with_the_pictures(http: httpx.Client) -> None:
    """Pages draw legends of their own: in any language, and on any background."""
    onset, apex = pair("surprise")
    answer = ask_frames(http, onset, apex, include="arrows,arrays").json()
    flow = np.frombuffer(base64.b64decode(answer["arrays"]["flow"]), "<f4").reshape(2, 112, 112)
    covered = float(np.percentile(np.hypot(*flow), 99))
    assert covered <= answer["scales"]["flow_px"] < 2.6 * covered
    assert 0.01 <= answer["scales"]["strain"] < 1
    assert "scales" not in ask_frames(http, onset, apex, include="attention,crops").json()


def strip(width: int, height: int, face_at: int | None = None) -> Pixels:
    """A scrolling screenshot: rows of boxes, and a portrait at a given height."""
    pixels = np.full((height, width, 3), 245, np.uint8)
    for top in range(40, height - 80, 220):
        pixels[top : top + 60, width // 8 : -(width // 8)] = 200
    if face_at is not None:
        pixels[face_at : face_at + 512, 139:651] = FACE
    return pixels


def png(pixels: Pixels) -> bytes:
    return factories.encoded(pixels, ".png", cv2.IMWRITE_PNG_COMPRESSION, 1)


@pytest.mark.parametrize("size", STRIPS)
@pytest.mark.parametrize("turned", [False, True])
def test_a_tall_screenshot_does_not_end_the_worker(
    lone: Server, size: tuple[int, int], turned: bool
) -> None:
    """29 megapixels ended it, with an answer that asked clients to retry."""
    pixels = strip(*size)
    data = png(np.ascontiguousarray(pixels.transpose(1, 0, 2)) if turned else pixels)
    photograph = factories.jpeg(np.kron(FACE, np.ones((6, 6, 1), np.uint8)))
    before = workers_of(lone.process.pid)
    with lone.client() as http:
        refused = ask_frames(http, data, data)
        assert (refused.status_code, refused.json()["code"]) == (422, "no_face")
        assert "retry-after" not in refused.headers
        assert ask_frames(http, photograph, photograph).status_code == 200
    assert workers_of(lone.process.pid) == before


@pytest.mark.parametrize("face_at", [200, 36_000])
def test_a_face_in_a_scrolling_screenshot_is_found(lone: Server, face_at: int) -> None:
    data = png(strip(790, 36_861, face_at))
    with lone.client() as http:
        answer = ask_frames(http, data, data)
    assert answer.status_code == 200
    left, top, width, height = answer.json()["face"]["box"]
    assert 139 < left < left + width < 651
    assert face_at < top < top + height < face_at + 512


def test_a_request_that_outgrows_its_worker_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """It would fail again: 413, without Retry-After."""
    large = png(np.zeros((8000, 6000, 3), np.uint8))
    home = tmp_path_factory.mktemp("small")
    with serving(home, workers=1, worker_memory_bytes=260_000_000) as small, small.client() as http:
        refused = ask_frames(http, large, large)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_much_memory")
        assert "retry-after" not in refused.headers


def test_a_damaged_image_is_refused_or_has_a_warning(http: httpx.Client) -> None:
    """What a decoder fills in is not motion."""
    still = synthetic_heads.shot(synthetic_heads.still())
    onset, apex = factories.webp(still), bytearray(factories.webp(still))
    middle = len(apex) // 2
    apex[middle : middle + 300] = bytes(300)
    answer = ask_frames(http, onset, bytes(apex))
    if answer.status_code == 200:
        assert "damaged_image" in warnings(answer)
    else:
        assert answer.json()["code"] == "undecodable_media"
    cut = factories.jpeg(still)[:-2000] + b"\xff\xd9"
    assert ask_frames(http, factories.jpeg(still), cut).json()["code"] == "undecodable_media"


def test_a_progressive_image_without_its_last_scan_has_a_warning(
    http: httpx.Client,
) -> None:
    """The whole face is there, but coarse: the warning limits the trust in the answer."""
    stream = io.BytesIO()
    Image.fromarray(FACE[..., ::-1]).save(stream, "JPEG", progressive=True, quality=90)
    whole = stream.getvalue()
    coarse = whole[: whole.rindex(b"\xff\xda")] + b"\xff\xd9"
    assert "damaged_image" in warnings(ask_frames(http, whole, coarse))
    assert "damaged_image" not in warnings(ask_frames(http, whole, whole[:-2]))


def test_a_twelve_bit_camera_is_scaled(http: httpx.Client) -> None:
    """In files of 16 bits it is almost black, and no face was found."""
    dim = (factories.grey(FACE).astype(np.uint32) * 4095 // 255).astype(np.uint16)
    answer = ask_frames(http, factories.png(dim), factories.tiff(dim))
    assert answer.status_code == 200
    assert "dark" not in warnings(answer)


def test_unsupported_formats_are_named(http: httpx.Client) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    refused = ask_frames(http, heic, heic)
    assert refused.status_code == 415
    assert "HEIC" in refused.json()["detail"]
    assert "Most Compatible" in refused.json()["detail"]
