"""Crops are decoded as by other libraries, whatever filters their encoder chose."""

from __future__ import annotations

import zlib

import cv2
import numpy as np
import pytest
from off_tanet.client.png import Grey, decode_grey

from tests.support import factories

SIDE = 24
GREY = np.ascontiguousarray(factories.picture(SIDE, SIDE)[..., 0])
FILTERS = (
    cv2.IMWRITE_PNG_FILTER_NONE,
    cv2.IMWRITE_PNG_FILTER_SUB,
    cv2.IMWRITE_PNG_FILTER_UP,
    cv2.IMWRITE_PNG_FILTER_AVG,
    cv2.IMWRITE_PNG_FILTER_PAETH,
    cv2.IMWRITE_PNG_ALL_FILTERS,
)


def noise() -> Grey:
    return np.random.default_rng(7).integers(0, 256, (SIDE, SIDE), np.uint8)


@pytest.mark.parametrize("chosen", FILTERS)
@pytest.mark.parametrize("pixels", [GREY, noise()])
def test_each_filter_is_undone(chosen: int, pixels: Grey) -> None:
    done, data = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_FILTER, chosen])
    assert done
    np.testing.assert_array_equal(decode_grey(data.tobytes(), SIDE), pixels)


def made(rows: bytes) -> bytes:
    header = SIDE.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(factories.chunk(*part) for part in parts)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"\x89PNG\r\n\x1a\n",
        factories.png(GREY)[:40],
        factories.png(factories.picture(SIDE, SIDE)),
        factories.png(GREY[:, :-1]),
        made(bytes((SIDE - 1) * (SIDE + 1))),
        made(bytes([9]) * (SIDE * (SIDE + 1))),
    ],
)
def test_any_other_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"PNG|grey"):
        decode_grey(data, SIDE)


def test_a_bomb_is_not_unpacked() -> None:
    """Rows after the last one are left packed."""
    rows = bytes(SIDE * (SIDE + 1)) + bytes(10_000_000)
    assert decode_grey(made(rows), SIDE).sum() == 0
