"""Reading files that a command or a manifest names."""

from __future__ import annotations

from pathlib import Path

from off_tanet.errors import UnreadableFileError


def read(path: Path, limit: int) -> bytes:
    """The file's bytes, or its first `limit` + 1: who decodes them refuses what is over its limit.

    Raises UnreadableFileError.
    """
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a null byte in it
        reason = getattr(error, "strerror", None) or "no name of a file"
        raise UnreadableFileError(f"{printable(path.name or str(path))}: {reason}.") from None


def printable(name: str) -> str:
    """`name` on one line, what cannot be shown escaped as Python does it."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
