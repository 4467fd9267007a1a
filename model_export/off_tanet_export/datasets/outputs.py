"""Files that are written at the end of long work: checked before it, and there as a whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from off_tanet_export.errors import MapsError


def check_writable(path: Path) -> None:
    """Check that a file can be written, by writing an empty one beside it.

    Args:
        path: The file.

    Raises:
        MapsError: It cannot be written.
    """
    if not path.parent.is_dir():
        raise MapsError(f"the folder {path.parent} does not exist")
    if path.is_dir():
        raise MapsError(f"{path} is a folder, not a file to write")
    with replacing(path, keep=False):
        pass


def check_room(path: Path, needed: int) -> None:
    """Check that a disk has room for a file.

    Args:
        path: The file.
        needed: Its size in bytes.

    Raises:
        MapsError: There is too little.
    """
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        sizes = f"{free / 1e6:.1f} MB free, and {needed / 1e6:.1f} MB may be needed"
        raise MapsError(f"the disk of {path} has {sizes}")


@contextmanager
def replacing(path: Path, *, keep: bool = True) -> Iterator[BinaryIO]:
    """Open a file beside another one, which it replaces at the end, unless something fails.

    Args:
        path: The file to replace.
        keep: Whether to replace it at all.

    Raises:
        MapsError: The file cannot be written.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        if keep:
            os.replace(part, path)
    except OSError as error:
        raise MapsError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # of a disk that can only be read, it was never there
            part.unlink(missing_ok=True)
