"""The elements of a Matroska file (RFC 8794 and 9559) that FFmpeg may read; WebM is a subset.

FFmpeg skips what it cannot parse up to the next cluster, without reporting the lost frames. For
each element of a list, which may take two bytes in the file, it allocates fifty.
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
_STRIPPED_HEADERS = b"\x42\x54\x81\x03"  # ContentCompAlgo 3, which does not expand the data

_ELEMENTS_PER_FRAME = 20  # sound has more blocks than video, each may be a group
_MAX_OTHER_ELEMENTS = 10_000
_MAX_DEPTH = 8


def is_whole(data: bytes) -> bool:
    """Return whether the segment has its declared size. Raises IndexError."""
    start, size = _read_segment(data)
    return size is None or start + size <= len(data)


def view(data: bytes, frames: int) -> View:
    """Return a view of the tracks and frames, without titles, chapters, attachments and indexes.

    Args:
        data: The file.
        frames: The largest number of frames.

    Raises:
        TooManyFramesError: The file has more elements than so many frames can have.
        ValueError: An element is cut short, too deep or exceeds its parent.
    """
    walk = _Walk(data, frames)
    walk.traverse()
    return walk.view


@dataclass(slots=True)
class _Walk:
    """The state while the elements of a file are traversed: the view so far, and a count."""

    data: bytes
    frames: int
    view: View = field(default_factory=View)
    elements: int = 0

    def traverse(self) -> None:
        try:
            position, size = _read_segment(self.data)
        except IndexError:
            self.view.broken = True
            return
        end = len(self.data) if size is None else min(position + size, len(self.data))
        while position < end:
            position = self._visit(position, end)
        self.view.broken |= position != end

    def _visit(self, start: int, end: int) -> int:
        """Process the element at `start`; return the position of the next one."""
        try:
            element_id, position = self._read_id(start)
            size, position = _read_size(self.data, position)
        except IndexError:
            element_id, size = 0, None
        if element_id == _CLUSTER:
            return position  # its children come next
        if element_id not in _KNOWN or size is None:
            return self._next_cluster(start, end)
        if element_id in _MASKED:
            self._mask(start, position, size)
        elif element_id == _TRACKS:
            self._visit_children(position, min(position + size, end), 1)
        elif element_id == _BLOCK_GROUP:
            try:
                self._visit_children(position, position + size, 1)
            except ValueError:
                self.view.broken = True
                self._mask(start, position, size)
        return position + size

    def _next_cluster(self, start: int, end: int) -> int:
        """Overwrite an invalid element with zeros: FFmpeg would search for elements in it."""
        self.view.broken = True
        found = self.data.find(_CLUSTER.to_bytes(4, "big"), start + 1, end)
        following = end if found < 0 else found
        self.view.masks[start] = bytes(following - start)
        return following

    def _visit_children(self, position: int, end: int, depth: int) -> None:
        """Count the children of an element; mask those that expand. Raises ValueError."""
        if depth > _MAX_DEPTH:
            raise ValueError("elements that are nested too deeply")
        for element_id, start, content, size in self._children(position, end):
            if element_id == _CONTENT_ENCODINGS:
                self._mask_encodings(start, content, size)
                continue
            if element_id == _VIDEO:
                self._read_frame_size(content, content + size)
            if element_id in _MASTERS:
                self._visit_children(content, content + size, depth + 1)

    def _read_frame_size(self, position: int, end: int) -> None:
        """Read the coded size of a video track."""
        found = {_PIXEL_WIDTH: 0, _PIXEL_HEIGHT: 0}
        for element_id, _, content, size in self._children(position, end):
            if element_id in found:
                value = int.from_bytes(self.data[content : content + size], "big")
                found[element_id] = max(found[element_id], value)
        self.view.add_stream(found[_PIXEL_WIDTH], found[_PIXEL_HEIGHT])

    def _children(self, position: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Yield ID, start, start of the content, and size of the content of each element."""
        while position < end:
            start = position
            try:
                element_id, position = self._read_id(start)
                size, position = _read_size(self.data, position)
            except IndexError:
                raise ValueError("an element that is cut short") from None
            if size is None or position + size > end:
                raise ValueError("an element that exceeds its parent")
            yield element_id, start, position, size
            position += size

    def _mask_encodings(self, start: int, position: int, size: int) -> None:
        content = self.data[position : position + size]
        if content.count(_STRIPPED_HEADERS[:2]) != 1 or _STRIPPED_HEADERS not in content:
            self._mask(start, position, size)

    def _mask(self, start: int, content: int, size: int) -> None:
        """Replace an element by padding (Void) with a header of the same length."""
        header_bytes, filler = content - start, b""
        if header_bytes > 9:  # a size has 8 bytes at most: put another Void before
            empty = max(0, header_bytes - 11)
            filler = bytes([_VOID, 0x80 | empty]) + bytes(empty)
        width = header_bytes - len(filler) - 1
        self.view.masks[start] = (
            filler + bytes([_VOID]) + (size | 1 << 7 * width).to_bytes(width, "big")
        )

    def _read_id(self, position: int) -> tuple[int, int]:
        """Read the ID of an element and count the element. Return the ID and its end."""
        self.elements += 1
        if self.elements > _MAX_OTHER_ELEMENTS + _ELEMENTS_PER_FRAME * self.frames:
            raise TooManyFramesError
        return _read_number(self.data, position)


def _read_segment(data: bytes) -> tuple[int, int | None]:
    """Return start and size of the segment's content; size None if unknown (a live source)."""
    header, position = _read_size(data, 4)
    if header is None:
        return position, None
    size, start = _read_size(data, position + header + 4)
    return start, size


def _read_size(data: bytes, position: int) -> tuple[int | None, int]:
    """Read the size of an element, None if unknown, and the start of its content."""
    number, end = _read_number(data, position)
    bits = 7 * (end - position)
    size = number & ((1 << bits) - 1)
    return (None if size == (1 << bits) - 1 else size), end


def _read_number(data: bytes, position: int) -> tuple[int, int]:
    """Read a number, including the bit that marks its length, and its end. Raises IndexError."""
    end = position + 9 - data[position].bit_length()
    return int.from_bytes(data[position:end], "big"), end
