"""JPEG in the strips and tiles of a TIFF (Adobe's technical note 2, 1995)."""

from __future__ import annotations

from off_tanet.recognition.media import entropy, tiff, tiff_layout
from off_tanet.recognition.media.entropy import Outcome
from off_tanet.recognition.media.tiff_layout import Compression

_TABLES = 347  # JPEGTables: the tables that all strips share, as an abbreviated JPEG file


def is_damaged(data: bytes) -> bool:
    """Return whether the data of a JPEG strip or tile look damaged; False for other codings.

    Raises ValueError if a part of one is missing, and the errors of `tiff_layout.read`.
    """
    layout = tiff_layout.read(data)
    if layout.compression is not Compression.JPEG:
        return False
    tables = tiff.block(data, _TABLES)[:-2]
    suspect = False
    for start, length in layout.extents:
        strip = data[start : start + length]
        outcome = entropy.walk_jpeg(tables + strip[2:] if tables else strip)
        if outcome is Outcome.LOST:
            raise ValueError("a part of a strip or tile is missing")
        suspect |= outcome is Outcome.SUSPECT
    return suspect
