"""Metadata in the chunks of a PNG, and chunks that may be missing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from off_tanet.errors import UndecodableMediaError, UnsupportedMediaError
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media import png
from off_tanet.recognition.media.images import decode_image
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from tests.support import factories

LIMITS = MediaLimits()
PICTURE = factories.portrait()[100:250, 150:350]
WHOLE = factories.png(PICTURE)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "form", ['tiff:Orientation="{}"', "<tiff:Orientation>{}</tiff:Orientation>"]
)
def test_a_png_is_oriented_by_its_xmp(orientation: int, form: str) -> None:
    """As editors write it; EXIF takes precedence."""
    packet = f"<x:xmpmeta><rdf:Description {form.format(orientation)}/></x:xmpmeta>"
    stream = io.BytesIO()
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    picture = Image.fromarray(np.ascontiguousarray(PICTURE[..., ::-1]))
    picture.save(stream, "PNG", pnginfo=info)
    theirs = ImageOps.exif_transpose(Image.open(stream)).convert("RGB")
    decoded = decode_image(stream.getvalue(), LIMITS)
    assert np.array_equal(decoded, np.asarray(theirs)[..., ::-1])
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 1
    picture.save(stream, "PNG", pnginfo=info, exif=exif)
    assert np.array_equal(decode_image(stream.getvalue(), LIMITS), PICTURE)


def test_apples_own_png_is_named() -> None:
    """As stored in an iPhone's app; other decoders take it for broken."""
    data = factories.png(PICTURE)
    apples = data[:8] + b"\0\0\0\x04CgBI\x50\0\x20\x02\x2b\xd5\xb3\x7f" + data[8:]
    with pytest.raises(UnsupportedMediaError, match="CgBI"):
        decode_image(apples, LIMITS)


def test_a_png_with_too_few_pixel_chunks_is_refused() -> None:
    """Every chunk is complete, but some are missing."""
    data = WHOLE
    ends = [end for name, _, end in png.chunks(data) if name == b"IDAT"]
    assert len(ends) > 2
    for end in ends[:-1]:
        with pytest.raises(UndecodableMediaError):
            decode_image(data[:end], LIMITS)
