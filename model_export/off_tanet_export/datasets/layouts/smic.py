"""SMIC: no sheet; the folders tell all: `HS/s1/micro/negative/s1_ne_01/image12345.bmp`.

X. Li, T. Pfister, X. Huang, G. Zhao, M. Pietikäinen, "A Spontaneous Micro-Expression Database:
Inducement, Collection and Baseline", FG 2013. A clip's first frame is its onset and the last its
offset; no apex is marked. Of the three cameras, the fast one (HS) is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from off_tanet_export.datasets.layouts.layout import Cells, Layout

_CAMERA = "hs"
_OTHER_CAMERAS = frozenset({"vis", "nir"})


def _list_clips(folders: Mapping[Path, Sequence[str]]) -> list[tuple[str, Cells]]:
    """List the clips of micro-expressions among folders of pictures, of frames or of crops."""
    found: dict[str, Cells] = {}
    for folder in sorted(folders):
        parts = [part.casefold() for part in folder.parts]
        if len(parts) < 4 or parts[-3] != "micro" or _OTHER_CAMERAS & set(parts):
            continue
        place = "/".join(folder.parts[-4:])
        # Without the camera, the frames of another one would do for a folder without any.
        path = f"{_CAMERA}/{place}" if parts[-5:-4] == [_CAMERA] else place
        cells = {"subject": parts[-4], "emotion": parts[-2], "clip": folder.name, "path": path}
        found[place] = cells
    return list(found.items())


LAYOUT = Layout(
    "smic",
    "SMIC",
    ("{path}",),
    rate=100,
    list_clips=_list_clips,
    example="HS/s1/micro/negative/s1_ne_01",
)
