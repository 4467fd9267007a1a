"""Your own data: any sheet with the usual columns, next to folders such as `s1/clip/img46.jpg`.

A clip may also be the path of its folder, as programs write it, on Windows or elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from off_tanet_export.datasets.layouts.layout import Cells, Layout
from off_tanet_export.datasets.sheets import Sheet

_DRIVE = re.compile(r"^[a-z]:", re.IGNORECASE)


def _split_path(cells: Cells, _sheets: Sequence[Sheet]) -> Cells:
    """Add the path of the clip's folder, and its end, which is all that copies have in common."""
    clip = _DRIVE.sub("", cells["clip"].replace("\\", "/")).strip("/")
    *above, name = clip.split("/")
    paths = {"path": clip, "end": f"{above[-1]}/{name}"} if above else {}
    return {**cells, "clip": clip, **paths}


LAYOUT = Layout(
    "csv",
    "your own data",
    ("{database}/{subject}/{clip}", "{subject}/{clip}", "{path}", "{end}"),
    rate=100,
    several_clips=True,
    names={"kind": ("kind", "type", "expressiontype")},
    add=_split_path,
)
