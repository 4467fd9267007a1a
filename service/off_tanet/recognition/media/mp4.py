"""The boxes of MP4 and QuickTime files (ISO/IEC 14496-12) that FFmpeg is shown.

FFmpeg unfolds an index before it can be asked: a table of twenty bytes can stand for millions of
frames, at 72 bytes and most of a microsecond each. It also follows boxes in many more places than
the standard has for them. So each box is looked for where the standard puts it, what else there is
is masked, and all that multiplies is counted.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from off_tanet.errors import UndecodableMediaError, UnsupportedMediaError
from off_tanet.recognition.media.masking import TooManyFramesError, View

_SHOWN: Mapping[bytes, frozenset[bytes]] = {
    parent: frozenset(children.split())
    for parent, children in {
        b"": b"ftyp moov moof mdat",
        b"moov": b"mvhd trak mvex",
        b"trak": b"tkhd edts mdia",
        b"edts": b"elst",
        b"mdia": b"mdhd hdlr minf",
        b"minf": b"vmhd stbl",
        b"stbl": b"stsd stts ctts cslg stss stsc stsz stz2 stco co64",
        b"stsd": b"avcC hvcC av1C vpcC esds colr pasp",  # of one of its entries
        b"mvex": b"mehd trex",
        b"moof": b"mfhd traf",
        b"traf": b"tfhd tfdt trun",
    }.items()
}
_REPEATED = frozenset({b"trak", b"trex", b"moof", b"mdat", b"traf", b"trun", b"colr"})
_MASK = b"skip"  # not `free`, in which FFmpeg looks for an index where it finds none elsewhere

_ENTRY_BYTES = {b"stts": 8, b"ctts": 8, b"stss": 4, b"stsc": 12, b"stco": 4, b"co64": 8}
_SAMPLE_ENTRY_BYTES = 86  # of a picture's, before its own boxes
_SIZE, _DEPTH = 32, 82
_PALETTES = {1, 2, 4, 8}  # bits a pixel, for which FFmpeg reads a palette before the boxes

_MOST_TRACKS = 16
_MOST_DEFAULTS = 64  # trex: one for each track
_BOXES_PER_FRAME = 20  # a recording may put each frame, and each bit of its sound, in a fragment
_MOST_OTHER_BOXES = 10_000
_EDITED_FRAMES = 10  # for each that a clip may have: edits can repeat frames


def view(data: bytes, frames: int) -> View:
    """The tracks of pictures and nothing else.

    Raises TooManyFramesError where their index is longer than `frames`, UndecodableMediaError for
    one that is compressed, UnsupportedMediaError for frames that are encrypted, ValueError or
    struct.error for boxes that can be read in two ways.
    """
    walk = _Walk(data, frames)
    walk.file()
    walk.view.masks |= _hidden_index(data)
    return walk.view


def _hidden_index(data: bytes) -> dict[int, bytes]:
    """FFmpeg looks for the index of fragments (`mfra`) from the end of the file, too."""
    start = len(data) - int.from_bytes(data[-4:], "big")
    is_index = start >= 0 and data[start + 4 : start + 8] == b"mfra"
    return {start + 4: _MASK} if is_index else {}


@dataclass(frozen=True, slots=True)
class _Box:
    name: bytes
    place: int  # of the name
    start: int  # of the content
    end: int


@dataclass(slots=True)
class _Walk:
    """One walk through a file: what is masked of it, and what was counted."""

    data: bytes
    frames: int
    view: View = field(default_factory=View)
    tracks: set[int] = field(default_factory=set)  # the numbers of those of pictures
    uneven: bool = False
    fragmented: int = 0
    boxes: int = 0

    def file(self) -> None:
        whole = _Box(b"", 0, 0, len(self.data))
        self.view.broken = self._is_cut(whole)
        for box in self._shown(b"", whole):
            if box.name == b"moov":
                self._movie(box)
            elif box.name == b"moof":
                self._fragment(box)

    def _is_cut(self, whole: _Box) -> bool:
        """Whether fragments lie behind a place from which the boxes lead no further.

        Any bytes may follow the last box, but what follows a damaged one was recorded, too.
        """
        place = 0
        for box in self._boxes(whole):
            if box.name not in _SHOWN[b""] and box.end == whole.end:
                break
            place = box.end
        self.boxes = 0  # they are gone along a second time
        return self.data.find(b"moof", place) >= 0

    def _movie(self, movie: _Box) -> None:
        if any(box.name == b"cmov" for box in self._boxes(movie)):
            raise UndecodableMediaError("A compressed index (cmov) is not read.")
        tracks = defaults = 0
        for box in self._shown(b"moov", movie):
            if box.name == b"mvex":
                defaults += sum(part.name == b"trex" for part in self._shown(b"mvex", box))
            elif box.name == b"trak" and b"vide" in self._handlers(box):
                tracks += 1
                self._track(box)
            elif box.name == b"trak":
                self.view.masks[box.place] = _MASK
        if tracks > _MOST_TRACKS or defaults > _MOST_DEFAULTS:
            raise ValueError("more tracks than a camera has")
        self.view.counted = not self.uneven

    def _handlers(self, track: _Box) -> list[bytes]:
        """What handles the track: `vide` for one of pictures, which has one handler alone."""
        media = (box for box in self._boxes(track) if box.name == b"mdia")
        handlers = (box for each in media for box in self._boxes(each) if box.name == b"hdlr")
        return [self.data[box.start + 8 : box.start + 12] for box in handlers]

    def _track(self, track: _Box) -> None:
        samples, edits, entries = 0, 1, dict[bytes, int]()
        for box in self._leaves(b"trak", track):
            if box.name == b"tkhd":
                place = box.start + (20 if self.data[box.start] else 12)
                self.tracks.add(self._number(place, box))
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
        # One step for all frames, and none is moved from the order in which it is coded.
        self.uneven |= edits > 1 or b"ctts" in entries or entries.get(b"stts") != 1

    def _leaves(self, name: bytes, parent: _Box) -> Iterator[_Box]:
        """The boxes of a track that hold no boxes, in their order."""
        for box in self._shown(name, parent):
            if box.name in (b"edts", b"mdia", b"minf", b"stbl"):
                yield from self._leaves(box.name, box)
            else:
                yield box

    def _edits(self, box: _Box) -> int:
        """How many edits show frames: each lists them anew."""
        wide = self.data[box.start] == 1
        entry = ">Qqi" if wide else ">Iii"
        count = self._count(box, 4, 8, 8 * struct.calcsize(entry))
        end = box.start + 8 + count * struct.calcsize(entry)
        edits = struct.iter_unpack(entry, self.data[box.start + 8 : end])
        return max(1, [start != -1 for _, start, _ in edits].count(True))

    def _sizes(self, box: _Box) -> int:
        """The samples that a table of sizes stands for."""
        if box.name == b"stz2":
            return self._count(box, 8, 12, self.data[box.start + 7])
        return self._count(box, 8, 12, 0 if self._number(box.start + 4, box) else 32)

    def _descriptions(self, table: _Box) -> None:
        """The boxes that describe how the frames are coded."""
        position = table.start + 8
        while position + 8 <= table.end:
            size = self._number(position, table)
            if size < 16 or position + size > table.end:
                raise ValueError("a description that leaves its table")
            if self.data[position + 4 : position + 8] == b"encv":
                raise UnsupportedMediaError(
                    "The clip is encrypted: send one that any player shows."
                )
            entry = _Box(b"stsd", position + 4, position + _SAMPLE_ENTRY_BYTES, position + size)
            if entry.start <= entry.end:
                self.view.measure(*struct.unpack_from(">HH", self.data, position + _SIZE))
                if self.data[position + _DEPTH + 1] & 31 in _PALETTES:
                    self.view.masks[position + _DEPTH] = b"\0\x18"
                for _ in self._shown(b"stsd", entry):
                    pass
            position += size

    def _fragment(self, fragment: _Box) -> None:
        """Show a fragment of a track of pictures, mask any other."""
        shown = False
        for box in self._shown(b"moof", fragment):
            if box.name == b"traf":
                parts = list(self._shown(b"traf", box))
                heads = [
                    self._number(part.start + 4, part) for part in parts if part.name == b"tfhd"
                ]
                if heads and heads[0] in self.tracks:
                    shown = True
                    self.fragmented += sum(
                        self._run(part) for part in parts if part.name == b"trun"
                    )
                else:
                    self.view.masks[box.place] = _MASK
        if not shown:
            self.view.masks[fragment.place] = _MASK
        if self.fragmented > self.frames:
            raise TooManyFramesError

    def _run(self, box: _Box) -> int:
        """The samples of a run; at least one, as each run costs something, too."""
        flags = self._number(box.start, box)
        start = 8 + 4 * (flags & 1) + (flags & 4)
        return max(1, self._count(box, 4, start, 32 * (flags & 0xF00).bit_count()))

    def _count(self, table: _Box, place: int, start: int, bits: int) -> int:
        """The number at `place` of entries from `start` on, of so many bits; all are there."""
        count = self._number(table.start + place, table)
        if count > self.frames:
            raise TooManyFramesError
        if table.start + start + (count * bits + 7) // 8 > table.end:
            raise ValueError("a table that is cut short")
        return count

    def _number(self, place: int, box: _Box) -> int:
        if place + 4 > box.end:
            raise ValueError("a box that is cut short")
        return int.from_bytes(self.data[place : place + 4], "big")

    def _shown(self, name: bytes, parent: _Box) -> Iterator[_Box]:
        """The boxes that belong into `parent`, a box called `name`; masks the others."""
        seen: set[bytes] = set()
        for box in self._boxes(parent):
            again = box.name in seen and box.name not in _REPEATED
            if again and name:
                raise ValueError("a box that is there twice")
            if again or box.name not in _SHOWN[name]:
                self.view.masks[box.place] = _MASK
                continue
            seen.add(box.name)
            yield box

    def _boxes(self, parent: _Box) -> Iterator[_Box]:
        """All boxes of `parent`, as FFmpeg follows them."""
        position: int = parent.start
        while position + 8 <= parent.end:
            self.boxes += 1
            if self.boxes > _MOST_OTHER_BOXES + _BOXES_PER_FRAME * self.frames:
                raise TooManyFramesError
            size, name = struct.unpack_from(">I4s", self.data, position)
            header = 16 if size == 1 else 8
            if size == 1:
                (size,) = struct.unpack_from(">Q", self.data, position + 8)
            if size == 0:
                size = parent.end - position  # up to the end
            if size < header or position + header > parent.end:
                if parent.name:
                    raise ValueError("a box that is smaller than its head")
                return  # any bytes may follow the last box of a file
            end = min(position + size, parent.end)
            yield _Box(name, position + 4, position + header, end)
            position += size
