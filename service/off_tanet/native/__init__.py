"""The libraries in C++: how they are found; the other files are what their sources share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def libraries(folders: Sequence[str], name: str) -> list[Path]:
    """Return the files of the library `name` in some folders, possibly none.

    Args:
        folders: The `__path__` of a package: an editable installation stores its libraries in
            another folder than its modules.
        name: The name of the library, without prefix and suffix.
    """
    return [path for folder in folders for path in Path(folder).glob(f"lib{name}.*")]


def library(folders: Sequence[str], name: str) -> str:
    """Return the path of the library `name`; arguments as of `libraries`.

    Raises:
        ImportError: If the folders do not contain it.
    """
    found = libraries(folders, name)
    if not found:
        raise ImportError(f"no library {name} in {', '.join(folders)}")
    return str(found[0])
