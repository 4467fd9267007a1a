"""Rows of databases that have been checked, and what is wrong with others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from off_tanet_export.datasets.frames import Frames
from off_tanet_export.datasets.schemes import Scheme

ApexRule = Literal["marked", "middle", "spotted"]
"""Where the apex of a clip is taken that the sheet marks none of: nowhere; or as the words say."""

NO_APEX = "without an apex"
"""The kind of rows that mark no apex."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row.

    Attributes:
        place: Where the row stands.
        clip: The subject and the name of the clip.
        kind: The fault in a few words, by which faults are counted.
        reason: The fault as a sentence.
    """

    place: str
    clip: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.place, self.clip, self.reason)))


class RowFaultError(Exception):
    """A row cannot be used. Raised and caught within this package's readers.

    Args:
        kind: The fault in a few words.
        reason: The fault as a sentence.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A clip that has a class, and all frames that its row names.

    Attributes:
        place: Where the row stands.
        database: The database's name.
        subject: The subject as the row spells it.
        person: The subject's name, one for all spellings.
        clip: The clip's name.
        emotion: The emotions of the row.
        label: The class's index.
        onset: The number of the onset frame.
        apex: The number of the apex frame; None if it is to be spotted.
        offset: The number of the offset frame; None if the row has none.
        frames: The frames between which the apex is, or only onset and apex where it is known.
        marked: Whether the row marks the apex.
    """

    place: str
    database: str
    subject: str
    person: str
    clip: str
    emotion: str
    label: int
    onset: int
    apex: int | None
    offset: int | None
    frames: Frames
    marked: bool = True

    @property
    def name(self) -> str:
        """The subject and the name of the clip."""
        return f"{self.subject}/{self.clip}"

    def fault(self, error: RowFaultError) -> Fault:
        """Return the fault of this row that an error tells."""
        return Fault(self.place, self.name, error.kind, error.reason)


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a database.

    Attributes:
        total: The number of rows.
        usable: Those that have a class and no fault.
        faults: What is wrong with others.
        left_out: The number of rows that have no class, or no apex, by the reason.
        notes: What is odd, but does not hinder.
    """

    total: int
    usable: tuple[Row, ...] = ()
    faults: tuple[Fault, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rows are used, and how.

    Attributes:
        scheme: The classes.
        database: The database's name, where the row has none.
        kinds: The kinds of expressions: `micro`, `macro`.
        apex: What to do with clips whose apex is not marked.
    """

    scheme: Scheme
    database: str
    kinds: Collection[str] = ("micro",)
    apex: ApexRule = "marked"
