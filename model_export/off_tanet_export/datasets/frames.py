"""Frames in folders, as databases are delivered: which folder has a clip's, and which is which."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from off_tanet_export.datasets.people import person_name
from off_tanet_export.errors import MapsError

PICTURES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""The suffixes of frames."""

Frames = Mapping[int, Path]
"""The frames of a clip by their numbers."""


@dataclass(frozen=True)
class FrameFolders:
    """The folders below a root that have pictures.

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
        """List the folders below `root`.

        Args:
            root: The folder of the whole database.
            cropped: Whether folders of face crops are preferred.

        Raises:
            MapsError: There is no such folder.
        """
        if not root.is_dir():
            raise MapsError(f"the folder {root} does not exist")
        found = {}
        for folder, _, names in os.walk(root, followlinks=True):
            pictures = [name for name in names if Path(name).suffix.lower() in PICTURES]
            if pictures:
                found[Path(folder).relative_to(root)] = sorted(pictures)
        return cls(root, found, cropped)

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for folder in self.folders:
            found.setdefault(folder.name.casefold(), []).append(folder)
        return found

    def find(self, templates: Sequence[str], cells: Mapping[str, str]) -> list[Path]:
        """Return the folders of a clip, relative to the root: one, if nothing is wrong.

        Args:
            templates: Ends of paths, as in `Layout.folders`; the first one that exists counts.
            cells: The cells of the clip's row.
        """
        for ending in endings(templates, cells):
            found = self._ending_with(ending.casefold())
            if len(found) > 1:
                crops = [folder for folder in found if _is_cropped(folder)]
                others = [folder for folder in found if folder not in crops]
                found = (crops if self.cropped else others) or found
            if found:
                return found
        return []

    def _ending_with(self, ending: str) -> list[Path]:
        parts = ending.split("/")
        pattern = re.compile(".*".join(map(re.escape, ending.split("*"))))
        candidates = self.folders if "*" in parts[-1] else self._by_name.get(parts[-1], [])
        return sorted(
            folder
            for folder in candidates
            if pattern.fullmatch("/".join(folder.parts[-len(parts) :]).casefold())
        )

    def frames(self, folder: Path) -> Frames:
        """Return the frames of a folder by the last number in their names.

        Of two frames of one number (`img46`, `reg_img46`), the one whose name tells a crop is taken
        if crops are preferred, otherwise the other.
        """
        numbered: dict[int, Path] = {}
        for name in sorted(self.folders[folder], key=lambda name: _is_cropped(Path(name))):
            digits = re.findall(r"\d+", Path(name).stem)
            if digits and (self.cropped or int(digits[-1]) not in numbered):
                numbered[int(digits[-1])] = self.root / folder / name
        return numbered


def endings(templates: Sequence[str], cells: Mapping[str, str]) -> list[str]:
    """Return the ends of paths under which a clip's frames may be.

    Args:
        templates: As in `Layout.folders`.
        cells: The cells of the clip's row.
    """
    person = person_name(cells.get("subject", ""))
    values: dict[str, object] = {**cells, "person": int(person) if person.isdecimal() else person}
    found = []
    for template in templates:
        # A subject may have no number, and a sheet not all cells.
        with suppress(AttributeError, IndexError, KeyError, ValueError):
            found.append(template.format_map(values))
    return found


def _is_cropped(path: Path) -> bool:
    text = path.as_posix().casefold()
    return "crop" in text or path.name.casefold().startswith("reg_")
