"""Lost data are refused or have a warning: what decoders fill in would look like motion."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet.errors import UndecodableMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import entropy
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.images import decode_image, decode_pair
from off_tanet.types import Pixels
from PIL import Image

from tests.support import factories

LIMITS = MediaLimits()
PORTRAIT = factories.portrait()
EARLY = 2000  # bytes of headers and tables


def by_pillow(kind: str, pixels: Pixels = PORTRAIT, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., ::-1])).save(stream, kind, **options)
    return stream.getvalue()


WHOLE = {
    "jpeg": by_pillow("JPEG", quality=92),
    "jpeg of fine colours": by_pillow("JPEG", quality=95, subsampling=0),
    "progressive jpeg": by_pillow("JPEG", quality=90, progressive=True),
    "jpeg of restarts": by_pillow("JPEG", quality=90, restart_marker_blocks=16),
    "grey jpeg": factories.jpeg(factories.grey(PORTRAIT)),
    "cmyk jpeg": factories.cmyk_jpeg(PORTRAIT),
    "png": factories.png(PORTRAIT),
    "webp": by_pillow("WEBP", quality=90),
    "lossless webp": factories.webp(PORTRAIT),
    "tiff in lzw": by_pillow("TIFF", compression="tiff_lzw"),
    "tiff in deflate": by_pillow("TIFF", compression="tiff_adobe_deflate"),
    "tiff in packbits": by_pillow("TIFF", PORTRAIT // 64 * 64, compression="packbits"),
    "tiff in jpeg": by_pillow("TIFF", compression="jpeg"),
}
# In lossless WebP a byte can be a colour that others are predicted from, and in PackBits a pixel:
# any value of it is one that an encoder writes.
CODED = [name for name in WHOLE if name not in ("lossless webp", "tiff in packbits")]
JPEGS = [name for name in WHOLE if name.endswith("jpeg") and not name.startswith("tiff")]


def is_noticed(data: bytes) -> bool:
    """Whether it is refused, or has a warning."""
    try:
        return decode_pair(data, data, LIMITS)[0].damaged
    except UndecodableMediaError:
        return True


@pytest.mark.parametrize("name", WHOLE)
def test_an_intact_image_has_no_warning(name: str) -> None:
    assert not is_noticed(WHOLE[name])


@given(
    st.integers(8, 70), st.integers(8, 70), st.integers(30, 100), st.booleans(), st.integers(0, 2)
)
@settings(max_examples=100, deadline=None)
def test_no_intact_jpeg_has_a_warning(
    height: int, width: int, quality: int, progressive: bool, subsampling: int
) -> None:
    """Of any size, and so with any padding of its last blocks."""
    pixels = factories.picture(height, width)
    data = by_pillow(
        "JPEG", pixels, quality=quality, progressive=progressive, subsampling=subsampling
    )
    assert entropy.walk_jpeg(data) is Outcome.WHOLE


@pytest.mark.parametrize("noise", [2.0, 60.0])
@pytest.mark.parametrize(("quality", "subsampling"), [(30, 2), (90, 2), (100, 0)])
def test_blocks_of_any_length_are_checked(noise: float, quality: int, subsampling: int) -> None:
    """Several codes are read at once. At the highest quality, blocks of noise have no end code."""
    rng = np.random.default_rng(0)
    pixels = np.clip(rng.normal(128, noise, (300, 300, 3)), 0, 255).astype(np.uint8)
    data = by_pillow("JPEG", pixels, quality=quality, subsampling=subsampling)
    half = len(data) // 2
    assert entropy.walk_jpeg(data) is Outcome.WHOLE
    assert entropy.walk_jpeg(data[:half]) is Outcome.LOST
    assert entropy.walk_jpeg(data[:half] + data[half + 9 :]) is not Outcome.WHOLE


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("part", [0.3, 0.5, 0.8])
def test_zeroed_bytes_are_noticed(name: str, part: float) -> None:
    """A hole in a download, which a file system fills with zeros."""
    data = WHOLE[name]
    place = EARLY + int(part * (len(data) - EARLY))
    assert is_noticed(data[:place] + bytes(600) + data[place + 600 :])


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_half_a_jpeg_with_an_end_marker_is_refused(name: str, part: float) -> None:
    """Galleries "repair" uploads this way: the grey below was measured as 16.8 px of motion."""
    data = WHOLE[name]
    cut = data[: int(part * len(data))] + b"\xff\xd9"
    assert is_noticed(cut)
    if not name.startswith("progressive"):
        with pytest.raises(UndecodableMediaError):
            decode_image(cut, LIMITS)


def test_a_progressive_jpeg_without_its_last_scans_has_a_warning() -> None:
    """The whole image is there, but coarse."""
    data = WHOLE["progressive jpeg"]
    cut = data[: data.rindex(b"\xff\xda")] + b"\xff\xd9"
    assert decode_pair(cut, cut, LIMITS)[0].damaged


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("tail", [b"", b"\xff\xd9" + bytes(5000) + b"SEFT", b"\xff"])
def test_a_jpeg_may_lack_its_end_marker(name: str, tail: bytes) -> None:
    """Every block is there; some cameras omit the marker, others append data."""
    data = WHOLE[name]
    assert data.endswith(b"\xff\xd9")
    picture, _ = decode_pair(data[:-2] + tail, data, LIMITS)
    assert not picture.damaged
    assert np.array_equal(picture.pixels, decode_image(data, LIMITS))


@pytest.mark.parametrize("name", CODED)
def test_a_changed_byte_is_noticed_where_it_shows(name: str) -> None:
    """A byte that changes a tenth of the image; smaller errors of a block or two may pass."""
    data, whole = WHOLE[name], decode_image(WHOLE[name], LIMITS).astype(int)
    random = np.random.default_rng(0)
    shown = noticed = 0
    for place in random.integers(EARLY, len(data) - EARLY, 30):
        changed = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        if is_noticed(changed):
            noticed += 1
            continue
        wrong = np.abs(decode_image(changed, LIMITS) - whole).max(axis=2) > 24
        shown += wrong.mean() > 0.1
    assert noticed > 0
    assert shown <= 2
