"""Matroska's chain of elements (RFC 8794 and 9559), of which WebM is a part.

FFmpeg passes over what it cannot follow and goes on at the next cluster, without a word of the
frames in between. Of each element of a list, which may have two bytes, it keeps fifty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from off_tanet.recognition.media.masking import TooManyFramesError, View

_CLUSTER, _TRACKS, _BLOCK_GROUP = 0x1F43B675, 0x1654AE6B, 0xA0
_CONTENT_ENCODINGS = 0x6D80
_VIDEO, _PIXEL_WIDTH, _PIXEL_HEIGHT = 0xE0, 0xB0, 0xBA
_MASTERS = {
    _TRACKS,
    0xAE,  # TrackEntry
    _VIDEO,
    0x55B0,  # Colour
    0x55D0,  # MasteringMetadata
    0x7670,  # Projection
    0xE1,  # Audio
    0xE2,  # TrackOperation
    0xE3,  # TrackCombinePlanes
    0xE4,  # TrackPlane
    0xE9,  # TrackJoinBlocks
    0x41E4,  # BlockAdditionMapping
    _BLOCK_GROUP,
    0x75A1,  # BlockAdditions
    0xA6,  # BlockMore
    0x8E,  # Slices
    0xE8,  # TimeSlice
}
_MASKED = {
    0x114D9B74,  # SeekHead
    0x1C53BB6B,  # Cues
    0x1941A469,  # Attachments
    0x1043A770,  # Chapters
    0x1254C367,  # Tags
}
_SEGMENT_PARTS = _MASKED | {_TRACKS, 0x1549A966}  # Info
_CLUSTER_PARTS = {
    _BLOCK_GROUP,
    0xE7,  # Timestamp
    0xA3,  # SimpleBlock
    0xA7,  # Position
    0xAB,  # PrevSize
    0xAF,  # EncryptedBlock
    0x5854,  # SilentTracks
}
_VOID = 0xEC
_ANYWHERE = {_VOID, 0xBF}  # CRC-32
_KNOWN = _SEGMENT_PARTS | _CLUSTER_PARTS | _ANYWHERE
_STRIPPED_HEADERS = b"\x42\x54\x81\x03"  # ContentCompAlgo 3, which unfolds to no more than it is

_ELEMENTS_PER_FRAME = 20  # sound has more blocks, and each may be a group
_MOST_OTHER_ELEMENTS = 10_000
_DEEPEST = 8


def is_whole(data: bytes) -> bool:
    """Whether the segment is there to the end that it announces. Raises IndexError."""
    start, size = _segment(data)
    return size is None or start + size <= len(data)


def view(data: bytes, frames: int) -> View:
    """The tracks and their frames, without titles, chapters, attachments and indexes.

    Raises TooManyFramesError for more elements than `frames` can have, and ValueError.
    """
    walk = _Walk(data, frames)
    walk.segment()
    return walk.view


@dataclass(slots=True)
class _Walk:
    """One walk along the chain."""

    data: bytes
    frames: int
    view: View = field(default_factory=View)
    elements: int = 0

    def segment(self) -> None:
        try:
            position, size = _segment(self.data)
        except IndexError:
            self.view.broken = True
            return
        end = len(self.data) if size is None else min(position + size, len(self.data))
        while position < end:
            position = self._element(position, end)
        self.view.broken |= position != end

    def _element(self, start: int, end: int) -> int:
        """Where the chain goes on behind the element at `start`, or in it."""
        try:
            identity, position = self._named(start)
            size, position = _size(self.data, position)
        except IndexError:
            identity, size = 0, None
        if identity == _CLUSTER:
            return position  # its parts come next
        if identity not in _KNOWN or size is None:
            return self._next_cluster(start, end)
        if identity in _MASKED:
            self._mask(start, position, size)
        elif identity == _TRACKS:
            self._inside(position, min(position + size, end), 1)
        elif identity == _BLOCK_GROUP:
            try:
                self._inside(position, position + size, 1)
            except ValueError:
                self.view.broken = True
                self._mask(start, position, size)
        return position + size

    def _next_cluster(self, start: int, end: int) -> int:
        """Blank what cannot be followed: FFmpeg would look for other parts in it."""
        self.view.broken = True
        found = self.data.find(_CLUSTER.to_bytes(4, "big"), start + 1, end)
        following = end if found < 0 else found
        self.view.masks[start] = bytes(following - start)
        return following

    def _inside(self, position: int, end: int, depth: int) -> None:
        """Count the elements of a master; mask what unfolds. Raises ValueError."""
        if depth > _DEEPEST:
            raise ValueError("elements that are too deep in others")
        for identity, start, content, size in self._parts(position, end):
            if identity == _CONTENT_ENCODINGS:
                self._mask_encodings(start, content, size)
                continue
            if identity == _VIDEO:
                self._measure(content, content + size)
            if identity in _MASTERS:
                self._inside(content, content + size, depth + 1)

    def _measure(self, position: int, end: int) -> None:
        """The size of a track of pictures, as it is coded."""
        found = {_PIXEL_WIDTH: 0, _PIXEL_HEIGHT: 0}
        for identity, _, content, size in self._parts(position, end):
            if identity in found:
                value = int.from_bytes(self.data[content : content + size], "big")
                found[identity] = max(found[identity], value)
        self.view.measure(found[_PIXEL_WIDTH], found[_PIXEL_HEIGHT])

    def _parts(self, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """What each element is, its start, that of its content, and its size."""
        while position < end:
            start = position
            try:
                identity, position = self._named(start)
                size, position = _size(self.data, position)
            except IndexError:
                raise ValueError("an element that is cut short") from None
            if size is None or position + size > end:
                raise ValueError("an element that leaves its master")
            yield identity, start, position, size
            position += size

    def _mask_encodings(self, start: int, position: int, size: int) -> None:
        content = self.data[position : position + size]
        if content.count(_STRIPPED_HEADERS[:2]) != 1 or _STRIPPED_HEADERS not in content:
            self._mask(start, position, size)

    def _mask(self, start: int, content: int, size: int) -> None:
        """Make padding (Void) of an element, its head of the same length as before."""
        head, spare = content - start, b""
        if head > 9:  # a size has 8 bytes at most: another Void stands before
            rest = max(0, head - 11)
            spare = bytes([_VOID, 0x80 | rest]) + bytes(rest)
        width = head - len(spare) - 1
        self.view.masks[start] = (
            spare + bytes([_VOID]) + (size | 1 << 7 * width).to_bytes(width, "big")
        )

    def _named(self, position: int) -> tuple[int, int]:
        self.elements += 1
        if self.elements > _MOST_OTHER_ELEMENTS + _ELEMENTS_PER_FRAME * self.frames:
            raise TooManyFramesError
        return _number(self.data, position)


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
