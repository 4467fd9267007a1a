"""What is known of a database: its sheet's columns, and the folders of its clips."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from off_tanet_export.datasets.sheets import Sheet
from off_tanet_export.errors import OptionError

Cells = dict[str, str]
"""The cells of a row by their names in `COLUMNS`, and what a layout adds to them."""

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "database": ("database", "dataset"),
        "subject": ("subject", "subjects", "subjectid", "subid", "person"),
        "clip": ("clip", "filename", "videoname", "clipname"),
        "onset": ("onset", "onsetframe", "onsetf"),
        "apex": ("apex", "apexframe", "apexf", "apexf1"),
        "apex2": ("apex2", "apexf2"),
        "offset": ("offset", "offsetframe", "offsetf"),
        "emotion": ("class", "emotion", "estimatedemotion", "emotions", "emotionlabel", "label"),
        "kind": (),  # no sheet has it, except where a layout says so
    }
)
"""The names of each column in the databases' sheets, reduced to letters and digits."""

REQUIRED = ("subject", "clip", "onset", "apex", "emotion")
"""Columns without which clips cannot be read."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A database as it is delivered.

    Attributes:
        database: The database's name in options and files.
        title: Its name in sentences.
        folders: Where a clip's frames are: the end of the folder's path, with the names of cells in
            braces. `{person}` is the subject's number, `{person:02}` with leading zeros. The first
            that exists counts; `*` stands for any text.
        rate: Frames per second.
        names: Names of columns, beside those of `COLUMNS`.
        given: The only name of a column, in place of all others.
        places: The index of each column, in sheets without a header.
        required: Columns without which clips cannot be read.
        several_clips: Whether a folder may have several clips, which differ by their onset.
        add: Adds to a row's cells what the sheets say elsewhere.
        list_clips: Lists the clips of a database that has no sheet: pairs of place and cells.
        example: The folder of a clip of such a database.
    """

    database: str
    title: str
    folders: tuple[str, ...]
    rate: float
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    required: tuple[str, ...] = REQUIRED
    several_clips: bool = False
    add: Callable[[Cells, Sequence[Sheet]], Cells] | None = None
    list_clips: Callable[[Mapping[Path, Sequence[str]]], list[tuple[str, Cells]]] | None = None
    example: str = ""

    def with_columns(self, names: Mapping[str, str]) -> Layout:
        """Return the layout of a sheet that has other columns.

        Args:
            names: The names of columns of `COLUMNS` in the sheet, or their numbers from 1 where it
                has no header.

        Raises:
            OptionError: A column is unknown, or has no number in a sheet without a header.
        """
        for name, title in names.items():
            if name not in COLUMNS:
                raise OptionError(f"--columns: {name} is none of {', '.join(COLUMNS)}")
            if self.places and not (title.isdecimal() and int(title)):
                raise OptionError(f"--columns: {self.title} needs the column's number: {title}")
        if self.places:
            return replace(self, places={**self.places, **_indices(names)})
        required = dict.fromkeys((*self.required, *names))
        return replace(self, given=names, required=tuple(required))

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The names of each column in this database's sheet."""
        known = {column: (*self.names.get(column, ()), *COLUMNS[column]) for column in COLUMNS}
        # Another column in place of one that was misspelled would be read in silence.
        return known | {name: (reduced_name(title),) for name, title in self.given.items()}


def reduced_name(text: str) -> str:
    """Return a column's name reduced to letters and digits, as `COLUMNS` has it."""
    return re.sub(r"[\W_]", "", text.casefold())


def _indices(names: Mapping[str, str]) -> dict[str, int]:
    return {name: int(number) - 1 for name, number in names.items()}
