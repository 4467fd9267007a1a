"""Arrays of `.npz` files, which may be damaged or of another kind."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from off_tanet_export.errors import MapsError

_DAMAGED = (
    *(EOFError, MemoryError, NotImplementedError, OSError, SyntaxError, TypeError, ValueError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What zipfile and NumPy raise for damaged files."""


def array_names(path: Path) -> frozenset[str]:
    """Return the names of the arrays of a file.

    Raises:
        MapsError: The file is missing or damaged.
    """
    with _opened(path) as file:
        return frozenset(file.files)


def read_arrays(
    path: Path, names: Collection[str], optional: Collection[str] = ()
) -> dict[str, NDArray[Any]]:
    """Read arrays of a file.

    Args:
        path: The file.
        names: The arrays that it must have.
        optional: Arrays that are read if it has them.

    Raises:
        MapsError: The file is missing or damaged, or an array is missing.
    """
    with _opened(path) as file:
        missing = [name for name in names if name not in file.files]
        if missing:
            raise MapsError(f"{path} is missing an array: {missing[0]}")
        return {name: file[name] for name in (*names, *optional) if name in file.files}


@contextmanager
def _opened(path: Path) -> Iterator[NpzFile]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            if not isinstance(file, NpzFile):
                raise ValueError("a single array")
            yield file
    except FileNotFoundError as error:
        raise MapsError(f"{path} does not exist") from error
    except _DAMAGED as error:
        raise MapsError(f"{path} is not an .npz file or is damaged") from error
