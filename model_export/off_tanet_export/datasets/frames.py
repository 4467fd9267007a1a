"""Frames in folders, as databases are delivered: which folder has a clip's, and which is which."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from off_tanet_export.datasets.folder_patterns import FolderPattern, folded, patterns
from off_tanet_export.errors import MapsError

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""The suffixes of frames."""

Frames = Mapping[int, Path]
"""The frames of a clip by their numbers."""


@dataclass(frozen=True)
class FrameFolders:
    """The folders below a root.

    Attributes:
        root: The folder of the whole database.
        folders: The names of the pictures in each folder, whose path is relative to the root.
        cropped: Whether folders of face crops are preferred, where a clip has both kinds.
    """

    root: Path
    folders: Mapping[Path, Sequence[str]]
    cropped: bool = False

    @classmethod
    def of(cls, root: Path, *, cropped: bool = False) -> FrameFolders:
        """List the folders below `root`, except hidden ones, in which systems keep their own.

        Args:
            root: The folder of the whole database.
            cropped: Whether folders of face crops are preferred.

        Raises:
            MapsError: There is no such folder.
        """
        if not root.is_dir():
            raise MapsError(f"{root} is not a folder" if root.exists() else _absent(root))
        found: dict[Path, Sequence[str]] = {}

        def unreadable(error: OSError) -> None:
            found[Path(error.filename).relative_to(root)] = ()

        for folder, below, names in os.walk(root, onerror=unreadable, followlinks=True):
            below[:] = [name for name in below if _is_entered(Path(folder, name))]
            pictures = [name for name in names if _is_picture(name)]
            found[Path(folder).relative_to(root)] = sorted(pictures)
        return cls(root, found, cropped)

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder in self.folders:
            found.setdefault(folded(folder.name), []).append(folder)
        return found

    def find(self, templates: Sequence[str], cells: Mapping[str, str]) -> list[Path]:
        """Return the folders of a clip, relative to the root: one, if nothing is wrong.

        Args:
            templates: Ends of paths, as in `Layout.folders`; the first one that exists counts, and
                one with pictures before those without.
            cells: The cells of the clip's row.
        """
        empty: list[Path] = []
        for pattern in patterns(templates, cells):
            matching = self._matching(pattern)
            found = [folder for folder in matching if self.folders[folder]]
            if found:
                return self._of_kind(found)
            empty += matching
        return empty[:1]

    def _of_kind(self, found: Sequence[Path]) -> list[Path]:
        """Leave folders of crops out, or all others; and further names of one folder."""
        kept = [folder for folder in found if _is_cropped(folder) == self.cropped] or found
        distinct: dict[Path, Path] = {}
        for folder in kept:
            distinct.setdefault((self.root / folder).resolve(), folder)
        return list(distinct.values())

    def _matching(self, pattern: FolderPattern) -> list[Path]:
        last = pattern.last
        candidates = self.folders if last is None else self._by_name.get(last, [])
        return sorted(folder for folder in candidates if pattern.fits(folder))

    def pictures(self, folder: Path) -> Mapping[int, Sequence[Path]]:
        """Return the pictures of a folder by the last number in their names.

        Of two pictures of one number (`img46`, `reg_img46`), the one whose name tells a crop is
        taken if crops are preferred, otherwise the other. There should be no others.

        Args:
            folder: The folder, relative to the root.
        """
        numbered: dict[int, list[Path]] = {}
        for name in self.folders[folder]:
            digits = re.findall(r"\d+", Path(name).stem)
            if digits:
                numbered.setdefault(int(digits[-1]), []).append(self.root / folder / name)
        return {
            number: [path for path in paths if _is_cropped(Path(path.name)) == self.cropped]
            or paths
            for number, paths in numbered.items()
        }

    def frames(self, folder: Path) -> Frames:
        """Return the frames of a folder by their numbers.

        Args:
            folder: The folder, relative to the root.
        """
        return {number: paths[0] for number, paths in self.pictures(folder).items()}


def _absent(root: Path) -> str:
    return f"the folder {root} does not exist"


def _is_entered(folder: Path) -> bool:
    """Whether a folder is looked into: neither a hidden one, nor a link to one that it is in."""
    if folder.name.startswith((".", "__MACOSX")):
        return False
    return not (folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()))


def _is_picture(name: str) -> bool:
    return Path(name).suffix.lower() in PICTURES and not name.startswith(".")


def _is_cropped(path: Path) -> bool:
    return "crop" in path.as_posix().casefold() or path.name.casefold().startswith("reg_")
