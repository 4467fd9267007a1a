"""Patterns of folders, such as `sub{person:02}/{clip}`, filled with the cells of a row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from types import MappingProxyType

from off_tanet_export.datasets.layouts.layout import COLUMNS
from off_tanet_export.datasets.people import database_name, person_name
from off_tanet_export.errors import OptionError

_NAMES: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"subject": person_name, "database": database_name}
)
"""Cells that have one name in many spellings: alone in a part, they fit any of these."""


_FIELDS = frozenset((*COLUMNS, "person", "video", "path", "end"))


def folder_template(text: str) -> str:
    """Check a template of folders, which may be written with the separators of Windows.

    Raises:
        OptionError: It has a name that no row has.
    """
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise OptionError(f"--folders: {text}: {error}") from error
    unknown = [name for name in names if name not in _FIELDS]
    if unknown:
        known = ", ".join(sorted(_FIELDS))
        raise OptionError(f"--folders: {text}: {{{unknown[0]}}} is none of {known}")
    return text.replace("\\", "/").strip("/")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a path, as text; which names fit it; and whether only that one does."""

    text: str
    fits: Callable[[str], bool]
    exact: bool


@dataclass(frozen=True, slots=True)
class FolderPattern:
    """The end of a folder's path."""

    parts: tuple[_Part, ...]

    def __str__(self) -> str:
        return "/".join(part.text for part in self.parts)

    @property
    def last(self) -> str | None:
        """The folded name of the last folder; None if several names fit."""
        part = self.parts[-1]
        return folded(part.text) if part.exact else None

    def fits(self, folder: Path) -> bool:
        """Return whether a path ends so, in capitals or not.

        Args:
            folder: The path.
        """
        names = folder.parts[-len(self.parts) :]
        return len(names) == len(self.parts) and all(
            part.fits(name) for part, name in zip(self.parts, names, strict=True)
        )


def folded(name: str) -> str:
    """Return a name without what differs between copies: capitals, spaces, forms of letters."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def patterns(templates: Sequence[str], cells: Mapping[str, str]) -> Iterator[FolderPattern]:
    """Yield the patterns of templates, except those for which a cell is missing.

    Args:
        templates: As in `Layout.folders`.
        cells: The cells of a row.
    """
    person = person_name(cells.get("subject", ""))
    values = {**cells, "person": int(person) if person.isdecimal() else person}
    for template in templates:
        # A subject may have no number, and a sheet not all cells.
        with suppress(AttributeError, IndexError, KeyError, ValueError):
            parts = [part for piece in template.split("/") for part in _parts(piece, values)]
            yield FolderPattern(tuple(parts))


def _parts(piece: str, values: Mapping[str, object]) -> list[_Part]:
    """Return the parts of a template's piece: several, if a cell is a path."""
    name = piece.strip("{}")
    if piece == f"{{{name}}}" and name in _NAMES and "/" not in str(values[name]):
        return [_part_of_name(str(values[name]), _NAMES[name])]
    chunks = [chunk.format_map(values) for chunk in piece.split("*")]
    return [_part(part.split("\0")) for part in "\0".join(chunks).split("/")]


def _part_of_name(text: str, named: Callable[[str], str]) -> _Part:
    if not text:
        raise KeyError
    wanted = named(text)
    return _Part(text, lambda folder: named(folder) == wanted, exact=False)


def _part(chunks: Sequence[str]) -> _Part:
    """Return a part of which only these texts are known."""
    pattern = re.compile(".*".join(re.escape(folded(chunk)) for chunk in chunks))
    return _Part(
        "*".join(chunks), lambda folder: bool(pattern.fullmatch(folded(folder))), len(chunks) == 1
    )
