"""Matroska's chain of elements (RFC 8794 and 9559), of which WebM is a part.

FFmpeg passes over what it cannot follow and goes on at the next cluster, without a word of the
frames in between.
"""

from __future__ import annotations

_CLUSTER = 0x1F43B675
_SEGMENT_PARTS = {
    0x114D9B74,  # SeekHead
    0x1549A966,  # Info
    0x1654AE6B,  # Tracks
    0x1C53BB6B,  # Cues
    0x1941A469,  # Attachments
    0x1043A770,  # Chapters
    0x1254C367,  # Tags
}
_CLUSTER_PARTS = {
    0xE7,  # Timestamp
    0xA3,  # SimpleBlock
    0xA0,  # BlockGroup
    0xA7,  # Position
    0xAB,  # PrevSize
    0xAF,  # EncryptedBlock
    0x5854,  # SilentTracks
}
_ANYWHERE = {0xEC, 0xBF}  # Void, CRC-32
_KNOWN = _SEGMENT_PARTS | _CLUSTER_PARTS | _ANYWHERE


def is_whole(data: bytes) -> bool:
    """Whether the segment is there to the end that it announces. Raises IndexError."""
    start, size = _segment(data)
    return size is None or start + size <= len(data)


def is_unbroken(data: bytes) -> bool:
    """Whether each element is followed by another that belongs there."""
    try:
        position, size = _segment(data)
        end = len(data) if size is None else position + size
        while position < end:
            identity, position = _number(data, position)
            size, position = _size(data, position)
            if identity == _CLUSTER:
                continue  # its parts come next
            if identity not in _KNOWN or size is None:
                return False
            position += size
    except IndexError:
        return False
    return position == end


def _segment(data: bytes) -> tuple[int, int | None]:
    """Where the segment's content begins, and its size, None for "unknown" (a live source)."""
    header, position = _size(data, 4)
    if header is None:
        return position, None
    size, start = _size(data, position + header + 4)
    return start, size


def _size(data: bytes, position: int) -> tuple[int | None, int]:
    """An element's size, None for "unknown", and where its content begins."""
    number, end = _number(data, position)
    bits = 7 * (end - position)
    size = number & ((1 << bits) - 1)
    return (None if size == (1 << bits) - 1 else size), end


def _number(data: bytes, position: int) -> tuple[int, int]:
    """A number with the bit that tells its length, and where it ends. Raises IndexError."""
    end = position + 9 - data[position].bit_length()
    return int.from_bytes(data[position:end], "big"), end
