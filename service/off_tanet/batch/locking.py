"""A lock on a file of results, which ends with the process that holds it."""

from __future__ import annotations

import os
from typing import IO

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    import msvcrt

    _PLACE = 1 << 40  # where no data are: on Windows, nobody else can read a locked byte

    def lock(file: IO[bytes]) -> None:
        """Lock the file for this process.

        Raises:
            BlockingIOError: Another process has locked it.
        """
        before = file.tell()
        file.seek(_PLACE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined] # there
        except PermissionError:
            raise BlockingIOError from None
        finally:
            file.seek(before)

else:

    def lock(file: IO[bytes]) -> None:
        """Lock the file for this process.

        Raises:
            BlockingIOError: Another process has locked it.
        """
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


CAN_REMOVE_OPEN_FILES = os.name == "posix"
"""Whether a file can be removed while it is open, and locked."""
