"""Images: every format and storage mode decodes to upright 8-bit colour."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet.errors import LimitExceededError, UndecodableMediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import png
from off_tanet.recognition.media.images import decode_image
from off_tanet.types import Pixels
from PIL import Image, ImageOps

from tests.support import factories

LIMITS = MediaLimits()
PICTURE = factories.picture()
HALF = np.full(PICTURE.shape[:2], 128, np.uint8)


def difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """The mean difference in grey levels."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b).mean())


@pytest.mark.parametrize("kind", factories.PICTURE_WRITERS)
def test_every_format_is_decoded_as_encoded(kind: str) -> None:
    """The first promise of the contract; only JPEG may lose a little."""
    decoded = decode_image(factories.PICTURE_WRITERS[kind](PICTURE), LIMITS)
    assert decoded.dtype == np.uint8
    assert difference(decoded, PICTURE) <= (2 if kind == "jpeg" else 0)


@pytest.mark.parametrize("kind", factories.PICTURE_WRITERS)
def test_grey_becomes_colour(kind: str) -> None:
    """The following stages expect three channels."""
    grey = factories.grey(PICTURE)
    decoded = decode_image(factories.PICTURE_WRITERS[kind](grey), LIMITS)
    assert difference(decoded, np.dstack([grey] * 3)) <= (2 if kind == "jpeg" else 0)


@pytest.mark.parametrize("kind", ["png", "tiff"])
@pytest.mark.parametrize("shape", [(48, 64), (48, 64, 3)])
def test_sixteen_bits_are_scaled_not_truncated(kind: str, shape: tuple[int, ...]) -> None:
    """Dropping the low byte would darken every image by half a level."""
    samples = np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)
    decoded = decode_image(factories.PICTURE_WRITERS[kind](samples), LIMITS)
    expected = np.rint(samples / 257).astype(np.uint8)
    assert difference(decoded, expected if len(shape) == 3 else np.dstack([expected] * 3)) == 0


@pytest.mark.parametrize(
    "data",
    [
        factories.png(factories.with_alpha(PICTURE, HALF)),
        factories.png(factories.sixteen_bit(factories.with_alpha(PICTURE, HALF))),
        factories.webp(factories.with_alpha(PICTURE, HALF)),
        factories.by_pillow(factories.with_alpha(PICTURE, HALF), "TIFF", "RGBA"),
    ],
    ids=["png", "16-bit png", "webp", "tiff"],
)
def test_transparent_parts_become_black(data: bytes) -> None:
    """The hidden colours of a cut-out are arbitrary and must not show."""
    assert difference(decode_image(data, LIMITS), (PICTURE * (128 / 255)).astype(np.uint8)) <= 1


def test_an_opaque_fourth_channel_changes_nothing() -> None:
    """Most images with an alpha channel are screenshots without a transparent pixel."""
    opaque = factories.with_alpha(PICTURE, np.full_like(HALF, 255))
    assert difference(decode_image(factories.png(opaque), LIMITS), PICTURE) == 0


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "P"), ("PNG", "LA"), ("PNG", "1"), ("BMP", "1")]
)
def test_palettes_and_single_bits_work(kind: str, mode: str) -> None:
    """Storage modes that OpenCV cannot write but users send."""
    data = factories.by_pillow(PICTURE, kind, mode)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))[..., ::-1]
    assert difference(decode_image(data, LIMITS), expected) == 0


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "P", "RGB"])
def test_a_transparent_colour_becomes_black(mode: str) -> None:
    """A PNG can declare one transparent colour; for greys OpenCV ignores it."""
    grey = factories.grey(PICTURE) // 16 * 16
    wide = grey.astype(np.uint16) * 257
    image = Image.fromarray(wide) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    value = {"1": 255, "P": 3, "I;16": 128 * 257, "RGB": (128, 128, 128)}.get(mode, 128)
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=value)
    theirs = np.asarray(image.convert("RGB") if mode != "I;16" else grey, np.uint8)
    theirs = theirs if theirs.ndim == 3 else np.dstack([theirs] * 3)
    hidden = np.asarray(image) == (True if mode == "1" else value)
    hidden = hidden.all(axis=2) if hidden.ndim == 3 else hidden
    decoded = decode_image(stream.getvalue(), LIMITS)
    assert not decoded[hidden].any()
    assert np.array_equal(decoded[~hidden], theirs[~hidden])


def test_cmyk_jpeg_keeps_its_colours() -> None:
    """JPEGs for print are stored inverted, and are easily decoded as their negative."""
    assert difference(decode_image(factories.cmyk_jpeg(PICTURE), LIMITS), PICTURE) < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright(kind: str, orientation: int) -> None:
    """A phone's portrait is stored on its side, where no face is found."""
    data = factories.by_pillow(PICTURE, kind, orientation=orientation)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    expected = np.asarray(upright, np.uint8)[..., ::-1]
    assert difference(decode_image(data, LIMITS), expected) < 2


def test_a_transparent_image_is_turned_upright_too() -> None:
    """With alpha, OpenCV takes another way through its decoder, and ignores the orientation."""
    data = factories.by_pillow(factories.with_alpha(PICTURE, HALF), "PNG", "RGBA", orientation=6)
    assert decode_image(data, LIMITS).shape == (64, 48, 3)


@pytest.mark.parametrize("kind", factories.PICTURE_WRITERS)
def test_a_single_pixel_is_an_image(kind: str) -> None:
    """No stage of the service may fail for the smallest upload."""
    pixel = np.full((1, 1, 3), 200, np.uint8)
    assert difference(decode_image(factories.PICTURE_WRITERS[kind](pixel), LIMITS), pixel) <= 2


@pytest.mark.parametrize("kind", factories.PICTURE_WRITERS)
def test_bytes_after_the_end_are_valid(kind: str) -> None:
    """Cameras append previews and depth maps to their images."""
    data = factories.PICTURE_WRITERS[kind](PICTURE)
    assert difference(decode_image(data + bytes(100), LIMITS), decode_image(data, LIMITS)) == 0


@pytest.mark.parametrize("kind", [*factories.PICTURE_WRITERS, "cmyk"])
def test_every_truncated_image_is_refused(kind: str) -> None:
    """A decoder that fills missing parts with grey would turn a broken upload into motion."""
    small = factories.picture(16, 16)
    data = factories.cmyk_jpeg(small) if kind == "cmyk" else factories.PICTURE_WRITERS[kind](small)
    end_marker = 2 if kind in ("jpeg", "cmyk") else 0  # which contain no pixels
    for length in range(len(data) - end_marker):
        with pytest.raises((UndecodableMediaError, UnsupportedMediaError)):
            decode_image(data[:length], LIMITS)


def test_a_thumbnail_does_not_hide_a_truncated_jpeg() -> None:
    """The end marker of an embedded preview is not the end of the image."""
    preview, data = factories.jpeg(factories.picture(16, 16)), factories.jpeg(PICTURE)
    segment = b"Exif\0\0" + preview
    whole = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]
    assert difference(decode_image(whole, LIMITS), decode_image(data, LIMITS)) == 0
    with pytest.raises(UndecodableMediaError):
        decode_image(whole[:-100], LIMITS)


@pytest.mark.parametrize(
    "data",
    [
        factories.text(),
        b"BM is how this sentence begins, and a bitmap does so, too.",
        factories.gif(factories.frames(2)),
        factories.mp4(factories.frames(2)),
        factories.wav(),
        b"\0\0\0\x20ftypheic" + bytes(100),
    ],
    ids=["text", "text like BMP", "gif", "mp4", "wav", "heic"],
)
def test_other_kinds_are_unsupported(data: bytes) -> None:
    """415 means that another encoding would be accepted, whatever the declared type."""
    with pytest.raises(UnsupportedMediaError):
        decode_image(data, LIMITS)


def test_an_empty_upload_is_undecodable() -> None:
    with pytest.raises(UndecodableMediaError, match="empty"):
        decode_image(b"", LIMITS)


def test_floating_point_samples_are_undecodable() -> None:
    """Their range is unknown."""
    data = factories.tiff((PICTURE / 255).astype(np.float32))
    with pytest.raises(UndecodableMediaError, match="16 bits"):
        decode_image(data, LIMITS)


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test as soon as an image is passed to OpenCV."""

    def decode(*_: object) -> None:
        raise AssertionError("the decoder was called")

    monkeypatch.setattr(cv2, "imdecodeWithMetadata", decode)


def claiming_tiff(width: int, tile: int = 0) -> bytes:
    """A TIFF header of one directory that declares an image, or one giant tile of a small one."""
    tags = [(256, width), (257, width), (322, tile), (323, tile)]
    entries = b"".join(
        tag.to_bytes(2, "little") + b"\4\0\1\0\0\0" + value.to_bytes(4, "little")
        for tag, value in tags
    )
    return b"II*\0\x08\0\0\0" + len(tags).to_bytes(2, "little") + entries + bytes(4)


def patched(data: bytes, place: int, value: bytes) -> bytes:
    return data[:place] + value + data[place + len(value) :]


SIDE = 30_000
LITTLE, BIG = SIDE.to_bytes(2, "little"), SIDE.to_bytes(2, "big")
JPEG = factories.jpeg(PICTURE)


@pytest.mark.usefixtures("no_decoder")
@pytest.mark.parametrize(
    "data",
    [
        factories.claiming_png(SIDE, SIDE),
        patched(JPEG, JPEG.index(b"\xff\xc0") + 5, BIG + BIG),
        patched(factories.webp(PICTURE), 21, b"\xff\xff\xff\x0f"),
        patched(factories.by_pillow(PICTURE, "WEBP", orientation=6), 24, b"\xff\xff\0\xff\xff\0"),
        patched(factories.bmp(PICTURE), 18, LITTLE + b"\0\0" + LITTLE + b"\0\0"),
        claiming_tiff(SIDE),
        claiming_tiff(16, tile=SIDE),
    ],
    ids=["png", "jpeg", "webp", "extended webp", "bmp", "tiff", "tiff tile"],
)
def test_the_pixel_limit_is_checked_before_memory_is_allocated(data: bytes) -> None:
    """A hundred bytes can declare gigabytes; only the header may be read to refuse them."""
    with pytest.raises(LimitExceededError) as caught:
        decode_image(data, LIMITS)
    assert caught.value.limit == "image_pixels"


@pytest.mark.usefixtures("no_decoder")
def test_a_png_chunk_that_declares_gigabytes_is_refused() -> None:
    """OpenCV 5.0 allocates 4 GB for such a chunk before it notices that nothing follows."""
    data = factories.png(PICTURE)
    with pytest.raises(UndecodableMediaError):
        decode_image(patched(data, data.index(b"IDAT") - 4, b"\x7f\xff\xff\xff"), LIMITS)


def test_an_animation_is_its_first_image() -> None:
    """OpenCV 5.0 crashed on a broken animation; it gets nothing but the first image."""
    stream, later = io.BytesIO(), Image.fromarray(PICTURE // 2)
    first = Image.fromarray(np.ascontiguousarray(PICTURE[..., ::-1]))
    first.save(stream, "PNG", save_all=True, append_images=[later])
    data = stream.getvalue()
    assert {b"acTL", b"fcTL", b"fdAT"} <= {name for name, _, _ in png.chunks(data)}
    still = png.strip_extras(data)
    assert {name for name, _, _ in png.chunks(still)} == {b"IHDR", b"IDAT", b"IEND"}
    assert difference(decode_image(data, LIMITS), PICTURE) == 0


@pytest.mark.usefixtures("no_decoder")
def test_the_byte_limit_is_checked_first() -> None:
    with pytest.raises(LimitExceededError) as caught:
        decode_image(factories.png(PICTURE), MediaLimits(upload_bytes=100))
    assert caught.value.limit == "upload_bytes"


def test_an_image_at_the_limit_is_accepted() -> None:
    """A limit is the largest allowed value."""
    data, pixels = factories.png(PICTURE), PICTURE.shape[0] * PICTURE.shape[1]
    at_limit: Pixels = decode_image(data, MediaLimits(upload_bytes=len(data), image_pixels=pixels))
    assert difference(at_limit, PICTURE) == 0
    with pytest.raises(LimitExceededError):
        decode_image(data, MediaLimits(image_pixels=pixels - 1))
