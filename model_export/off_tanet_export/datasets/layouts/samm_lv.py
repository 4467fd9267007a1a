"""SAMM Long Videos: header on line 10, an apex of -1 where none is known, types `Micro - 1/2`.

C. H. Yap, C. Kendrick, M. H. Yap, "SAMM Long Videos: A Spontaneous Facial Micro- and
Macro-Expressions Dataset", FG 2020. The frames are those of the whole video: `006_1/006_1_0123.jpg`
for the clips `006_1_1`, `006_1_2`. The sheet has no emotions: the type is the label, unless a
column with emotions was added.
"""

from __future__ import annotations

from collections.abc import Sequence

from off_tanet_export.datasets.layouts.layout import REQUIRED, Cells, Layout
from off_tanet_export.datasets.sheets import Sheet


def _add_video(cells: Cells, _sheets: Sequence[Sheet]) -> Cells:
    """Add the video of the clip, and the type as the emotion where there is none."""
    kind = cells.get("kind", "").casefold().partition("-")[0].strip()
    return {
        **cells,
        "video": cells["clip"].rpartition("_")[0],
        "emotion": cells.get("emotion") or kind,
    }


LAYOUT = Layout(
    "samm-lv",
    "SAMM Long Videos",
    ("{video}", "{person:03}/{clip}"),
    rate=200,
    names={"kind": ("type",)},
    required=(*(name for name in REQUIRED if name != "emotion"), "kind"),
    add=_add_video,
)
