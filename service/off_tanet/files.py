"""Reading of files that a command or a manifest names."""

from __future__ import annotations

import re
from pathlib import Path

from off_tanet.errors import UnreadableFileError


def read(path: Path, limit: int) -> bytes:
    """Read a file, but not much more of it than its decoder accepts.

    Args:
        path: The file.
        limit: Maximum size in bytes. Of a larger file the first `limit + 1` bytes are returned, so
            that the decoder refuses it.

    Returns:
        The content of the file.

    Raises:
        UnreadableFileError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError) as error:  # ValueError: the name contains a null byte
        reason = getattr(error, "strerror", None) or "not a valid file name"
        raise UnreadableFileError(f"{printable(path.name or str(path))}: {reason}.") from None


def read_standard_input(limit: int) -> bytes:
    """Read standard input to its end, but at most `limit + 1` bytes, as `read` does."""
    with open(0, "rb", closefd=False) as stream:
        return stream.read(limit + 1)


def printable(name: str) -> str:
    """Return `name` with characters that cannot be printed escaped as in Python."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def natural_order(name: str) -> tuple[tuple[str, int], ...]:
    """Return a key that sorts names as people do: `img46` is before `img105`."""
    parts = re.findall(r"(\D*)(\d*)", name.casefold())
    return tuple((text, int(digits or -1)) for text, digits in parts)
