"""The boxes of MP4 and QuickTime files (ISO/IEC 14496-12) that FFmpeg may read.

FFmpeg expands an index when it opens a file: a table of twenty bytes can represent millions of
frames, at 72 bytes and almost a microsecond each. It also accepts boxes in many more places than
the standard. So boxes are accepted only where the standard places them, all others are masked, and
everything that FFmpeg expands is counted first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from off_tanet.errors import UndecodableMediaError, UnsupportedMediaError
from off_tanet.recognition.media.masking import TooManyFramesError, View

_ALLOWED: Mapping[bytes, frozenset[bytes]] = {
    parent: frozenset(children.split())
    for parent, children in {
        b"": b"ftyp moov moof mdat",
        b"moov": b"mvhd trak mvex",
        b"trak": b"tkhd edts mdia",
        b"edts": b"elst",
        b"mdia": b"mdhd hdlr minf",
        b"minf": b"vmhd stbl",
        b"stbl": b"stsd stts ctts cslg stss stsc stsz stz2 stco co64",
        b"stsd": b"avcC hvcC av1C vpcC esds colr pasp",  # within one of its entries
        b"mvex": b"mehd trex",
        b"moof": b"mfhd traf",
        b"traf": b"tfhd tfdt trun",
    }.items()
}
_REPEATED = frozenset({b"trak", b"trex", b"moof", b"mdat", b"traf", b"trun", b"colr"})
_MASK = b"skip"  # not `free`: without another index FFmpeg searches for one in it

_ENTRY_BYTES = {b"stts": 8, b"ctts": 8, b"stss": 4, b"stsc": 12, b"stco": 4, b"co64": 8}
_SAMPLE_ENTRY_BYTES = 86  # of a video entry, before its boxes
_SIZE, _DEPTH = 32, 82
_PALETTES = {1, 2, 4, 8}  # bits per pixel for which FFmpeg reads a palette before the boxes

_MAX_TRACKS = 16
_MAX_DEFAULTS = 64  # trex: one per track
_BOXES_PER_FRAME = 20  # each frame and each piece of sound of a recording may have its own fragment
_MAX_OTHER_BOXES = 10_000
_EDITED_FRAMES = 10  # per frame that a clip may have, since edits can repeat frames


def view(data: bytes, frames: int) -> View:
    """Return a view of the video tracks only.

    Args:
        data: The file.
        frames: The largest number of frames.

    Raises:
        TooManyFramesError: The index of the tracks has more frames.
        UndecodableMediaError: The index is compressed.
        UnsupportedMediaError: The frames are encrypted.
        ValueError: Boxes are ambiguous or cut short. Likewise struct.error.
    """
    walk = _Walk(data, frames)
    walk.traverse()
    walk.view.masks |= _hidden_index(data)
    return walk.view


def _hidden_index(data: bytes) -> dict[int, bytes]:
    """Return the mask of an index of fragments (`mfra`), which FFmpeg finds from the file's end."""
    start = len(data) - int.from_bytes(data[-4:], "big")
    is_index = start >= 0 and data[start + 4 : start + 8] == b"mfra"
    return {start + 4: _MASK} if is_index else {}


@dataclass(frozen=True, slots=True)
class _Box:
    name: bytes
    offset: int  # of the name
    start: int  # of the content
    end: int


@dataclass(slots=True)
class _Walk:
    """The state while the boxes of a file are traversed: the view so far, and counts."""

    data: bytes
    frames: int
    view: View = field(default_factory=View)
    tracks: set[int] = field(default_factory=set)  # numbers of the video tracks
    variable_rate: bool = False
    fragment_frames: int = 0
    boxes: int = 0

    def traverse(self) -> None:
        whole = _Box(b"", 0, 0, len(self.data))
        self.view.broken = self._is_cut(whole)
        for box in self._allowed(b"", whole):
            if box.name == b"moov":
                self._movie(box)
            elif box.name == b"moof":
                self._fragment(box)

    def _is_cut(self, whole: _Box) -> bool:
        """Return whether fragments exist after the end of the chain of boxes.

        Any bytes may follow the last box, but fragments after a damaged box belong to the clip.
        """
        offset = 0
        for box in self._boxes(whole):
            if box.name not in _ALLOWED[b""] and box.end == whole.end:
                break
            offset = box.end
        self.boxes = 0  # boxes are traversed a second time
        return self.data.find(b"moof", offset) >= 0

    def _movie(self, movie: _Box) -> None:
        if any(box.name == b"cmov" for box in self._boxes(movie)):
            raise UndecodableMediaError("A compressed index (cmov) is not supported.")
        tracks = defaults = 0
        for box in self._allowed(b"moov", movie):
            if box.name == b"mvex":
                defaults += sum(part.name == b"trex" for part in self._allowed(b"mvex", box))
            elif box.name == b"trak" and b"vide" in self._handlers(box):
                tracks += 1
                self._track(box)
            elif box.name == b"trak":
                self.view.masks[box.offset] = _MASK
        if tracks > _MAX_TRACKS or defaults > _MAX_DEFAULTS:
            raise ValueError("more tracks than a camera records")
        self.view.constant_rate = not self.variable_rate

    def _handlers(self, track: _Box) -> list[bytes]:
        """Return the handlers of a track: `vide` for a video track."""
        media_boxes = (box for box in self._boxes(track) if box.name == b"mdia")
        handlers = (
            box for media in media_boxes for box in self._boxes(media) if box.name == b"hdlr"
        )
        return [self.data[box.start + 8 : box.start + 12] for box in handlers]

    def _track(self, track: _Box) -> None:
        samples, edits, entries = 0, 1, dict[bytes, int]()
        for box in self._leaves(b"trak", track):
            if box.name == b"tkhd":
                offset = box.start + (20 if self.data[box.start] else 12)
                self.tracks.add(self._number(offset, box))
            elif box.name == b"elst":
                edits = self._edits(box)
            elif box.name == b"stsd":
                self._descriptions(box)
            elif box.name in (b"stsz", b"stz2"):
                samples = max(samples, self._sizes(box))
            elif box.name in _ENTRY_BYTES:
                entries[box.name] = self._count(box, 4, 8, 8 * _ENTRY_BYTES[box.name])
        if samples * edits > _EDITED_FRAMES * self.frames:
            raise TooManyFramesError
        # The rate is constant if all frames have one duration and are presented in coded order.
        self.variable_rate |= edits > 1 or b"ctts" in entries or entries.get(b"stts") != 1

    def _leaves(self, name: bytes, parent: _Box) -> Iterator[_Box]:
        """Yield the boxes of a track that contain no boxes, in order."""
        for box in self._allowed(name, parent):
            if box.name in (b"edts", b"mdia", b"minf", b"stbl"):
                yield from self._leaves(box.name, box)
            else:
                yield box

    def _edits(self, box: _Box) -> int:
        """Return the number of edits that show frames; FFmpeg lists the frames for each."""
        wide = self.data[box.start] == 1
        entry = ">Qqi" if wide else ">Iii"
        count = self._count(box, 4, 8, 8 * struct.calcsize(entry))
        end = box.start + 8 + count * struct.calcsize(entry)
        edits = struct.iter_unpack(entry, self.data[box.start + 8 : end])
        return max(1, [start != -1 for _, start, _ in edits].count(True))

    def _sizes(self, box: _Box) -> int:
        """Return the number of samples in a table of sizes."""
        if box.name == b"stz2":
            return self._count(box, 8, 12, self.data[box.start + 7])
        return self._count(box, 8, 12, 0 if self._number(box.start + 4, box) else 32)

    def _descriptions(self, table: _Box) -> None:
        """Check the sample entries, which describe how the frames are coded."""
        position = table.start + 8
        while position + 8 <= table.end:
            size = self._number(position, table)
            if size < 16 or position + size > table.end:
                raise ValueError("a sample entry that exceeds its table")
            if self.data[position + 4 : position + 8] == b"encv":
                raise UnsupportedMediaError("The clip is encrypted: send an unencrypted copy.")
            entry = _Box(b"stsd", position + 4, position + _SAMPLE_ENTRY_BYTES, position + size)
            if entry.start <= entry.end:
                self.view.add_stream(*struct.unpack_from(">HH", self.data, position + _SIZE))
                if self.data[position + _DEPTH + 1] & 31 in _PALETTES:
                    self.view.masks[position + _DEPTH] = b"\0\x18"
                for _ in self._allowed(b"stsd", entry):
                    pass
            position += size

    def _fragment(self, fragment: _Box) -> None:
        """Keep a fragment of a video track, mask any other."""
        is_video = False
        for box in self._allowed(b"moof", fragment):
            if box.name == b"traf":
                parts = list(self._allowed(b"traf", box))
                tracks = [
                    self._number(part.start + 4, part) for part in parts if part.name == b"tfhd"
                ]
                if tracks and tracks[0] in self.tracks:
                    is_video = True
                    self.fragment_frames += sum(
                        self._run(part) for part in parts if part.name == b"trun"
                    )
                else:
                    self.view.masks[box.offset] = _MASK
        if not is_video:
            self.view.masks[fragment.offset] = _MASK
        if self.fragment_frames > self.frames:
            raise TooManyFramesError

    def _run(self, box: _Box) -> int:
        """Return the number of samples in a run, at least 1 since an empty run takes time, too."""
        flags = self._number(box.start, box)
        start = 8 + 4 * (flags & 1) + (flags & 4)
        return max(1, self._count(box, 4, start, 32 * (flags & 0xF00).bit_count()))

    def _count(self, table: _Box, offset: int, start: int, bits: int) -> int:
        """Read the number of entries of a table and check that the table has all of them.

        Args:
            table: The box.
            offset: Offset of the number in the content of the box.
            start: Offset of the first entry in the content of the box.
            bits: Size of an entry.
        """
        count = self._number(table.start + offset, table)
        if count > self.frames:
            raise TooManyFramesError
        if table.start + start + (count * bits + 7) // 8 > table.end:
            raise ValueError("a table that is cut short")
        return count

    def _number(self, offset: int, box: _Box) -> int:
        if offset + 4 > box.end:
            raise ValueError("a box that is cut short")
        return int.from_bytes(self.data[offset : offset + 4], "big")

    def _allowed(self, name: bytes, parent: _Box) -> Iterator[_Box]:
        """Yield the boxes that the standard allows in `parent`, called `name`; mask the others."""
        seen: set[bytes] = set()
        for box in self._boxes(parent):
            repeated = box.name in seen and box.name not in _REPEATED
            if repeated and name:
                raise ValueError("a duplicate box")
            if repeated or box.name not in _ALLOWED[name]:
                self.view.masks[box.offset] = _MASK
                continue
            seen.add(box.name)
            yield box

    def _boxes(self, parent: _Box) -> Iterator[_Box]:
        """Yield all boxes of `parent`, as FFmpeg traverses them."""
        position: int = parent.start
        while position + 8 <= parent.end:
            self.boxes += 1
            if self.boxes > _MAX_OTHER_BOXES + _BOXES_PER_FRAME * self.frames:
                raise TooManyFramesError
            size, name = struct.unpack_from(">I4s", self.data, position)
            header = 16 if size == 1 else 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self.data, position + 8)
            if size == 0:
                size = parent.end - position  # up to the end of the parent
            if size < header or position + header > parent.end:
                if parent.name:
                    raise ValueError("a box smaller than its header")
                return  # any bytes may follow the last box of a file
            end = min(position + size, parent.end)
            yield _Box(name, position + 4, position + header, end)
            position += size
