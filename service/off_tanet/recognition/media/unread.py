"""Formats that are not read: a name, and what the owner of such a file can do.

`unread_pictures` and `unread_clips` know the formats by their first bytes. Each decoder is a way
in, so few are here; a refusal names what came, and a way out.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 4096
"""So many of a file's first bytes tell what it is."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is not read: its name, and a way out in a line."""

    name: str
    way_out: str

    def told(self, wanted: str) -> str:
        """What a refusal says where a `wanted`, a picture or a clip, was asked for."""
        return f"{self.name} is not read as a {wanted}: {self.way_out}."


_UNPACK = "unpack it, and send what is in it"

FILES = {
    b"PK\x03\x04": Format("ZIP", _UNPACK),
    b"Rar!\x1a\x07": Format("RAR", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": Format("7-Zip", _UNPACK),
    b"\x1f\x8b": Format("gzip", _UNPACK),
    b"\0\x05\x16\x07": Format("a macOS resource fork (._)", "send the file of the same name"),
    b"version https://git-lfs": Format("A pointer of Git LFS", "fetch the file that it stands for"),
}
"""Those that are neither pictures nor clips, by how they begin."""

RAW = Format("A camera's raw format", "develop it, and export it as TIFF, PNG or JPEG")
TAR = Format("TAR", _UNPACK)
HTML = Format("HTML", "send the file itself, not the page that shows it")


def by_magic(head: bytes, formats: dict[bytes, Format]) -> Format | None:
    """The format among `formats` whose mark `head` begins with."""
    return next((form for magic, form in formats.items() if head.startswith(magic)), None)
