"""Formats that are recognized but not decoded, each with advice for the user.

`unsupported_images` and `unsupported_video` recognize the formats by their first bytes. Every
decoder adds attack surface, so only few formats are decoded. An error names the format that was
uploaded and how to convert it.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 4096
"""Number of bytes at the start of a file that identify its format."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is not supported: its name, and in one line what the user can do instead."""

    name: str
    advice: str

    def refusal(self, expected: str) -> str:
        """Return the error message for an upload in this format.

        Args:
            expected: What was expected instead: `image` or `clip`.
        """
        return f"{self.name} is not a supported {expected} format: {self.advice}."


_UNPACK = "unpack it and send the file inside"

FILES = {
    b"PK\x03\x04": Format("ZIP", _UNPACK),
    b"Rar!\x1a\x07": Format("RAR", _UNPACK),
    b"7z\xbc\xaf\x27\x1c": Format("7-Zip", _UNPACK),
    b"\x1f\x8b": Format("gzip", _UNPACK),
    b"\0\x05\x16\x07": Format(
        "A macOS resource fork (._)", "send the file of the same name without '._'"
    ),
    b"version https://git-lfs": Format("A Git LFS pointer", "send the file that it points to"),
}
"""Formats that contain neither an image nor a video, by their first bytes."""

RAW = Format("A camera's raw format", "convert it to TIFF, PNG or JPEG")
TAR = Format("TAR", _UNPACK)
HTML = Format("HTML", "send the file itself, not the page that shows it")


def match_magic(head: bytes, formats: dict[bytes, Format]) -> Format | None:
    """Return the format whose key is a prefix of `head`, or None."""
    return next((form for magic, form in formats.items() if head.startswith(magic)), None)
