"""One row of a batch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from off_tanet.files import printable

PAIR = ("onset", "apex")
CLIP = ("clip",)
INDICES = ("onset_index", "apex_index")


@dataclass(frozen=True, slots=True)
class Row:
    """One onset-apex pair, or one clip.

    Attributes:
        folder: Folder to which the paths are relative.
        onset: Path of the onset picture, as the manifest has it.
        apex: Path of the apex picture.
        clip: Path of the clip: a video, or a folder of frames.
        onset_index: Onset frame of the clip, from 0; None to spot it.
        apex_index: Apex frame of the clip, from 0; None to spot it.
        fps: Frames per second of a folder of frames.
        others: The names and texts of the manifest's other columns. They do not make a row another
            one.
    """

    folder: Path
    onset: str | None = None
    apex: str | None = None
    clip: str | None = None
    onset_index: int | None = None
    apex_index: int | None = None
    fps: float | None = None
    others: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def paths(self) -> dict[str, str]:
        """The paths by column."""
        paths = {name: getattr(self, name) for name in (*PAIR, *CLIP)}
        return {name: path for name, path in paths.items() if path is not None}

    @property
    def files(self) -> dict[str, str]:
        """The paths by column, with unprintable characters escaped."""
        return {name: printable(path) for name, path in self.paths.items()}

    @property
    def indices(self) -> dict[str, int]:
        """The given frame indices by column."""
        indices = {name: getattr(self, name) for name in INDICES}
        return {name: index for name, index in indices.items() if index is not None}

    @property
    def input(self) -> dict[str, object]:
        """The paths and the given frame indices by column."""
        return {**self.files, **self.indices}

    def below_working_directory(self) -> Self:
        """Return the row with paths that are relative to the working directory."""
        return replace(
            self,
            folder=Path(),
            onset=self._joined(self.onset),
            apex=self._joined(self.apex),
            clip=self._joined(self.clip),
        )

    def _joined(self, path: str | None) -> str | None:
        return str(self.folder / path) if path else path
