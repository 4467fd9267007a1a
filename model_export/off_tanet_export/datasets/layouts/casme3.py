"""CAS(ME)^3, part A: frames such as `spNo.1_a_355/355.jpg`.

J. Li et al., "CAS(ME)^3: A Third Generation Facial Spontaneous Micro-Expression Database with Depth
Information and High Ecological Validity", IEEE TPAMI 45(3), 2023. Several clips of one video differ
by their onset only. Capital and small letters of folders are not those of the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence

from off_tanet_export.datasets.layouts.layout import Cells, Layout
from off_tanet_export.datasets.sheets import Sheet


def _name_clip(cells: Cells, _sheets: Sequence[Sheet]) -> Cells:
    """Name the clip after its video and its onset."""
    video = cells["clip"]
    return {**cells, "video": video, "clip": f"{video}_{cells['onset'].removesuffix('.0')}"}


LAYOUT = Layout("casme3", "CAS(ME)^3", ("{subject}_{clip}",), rate=30, add=_name_clip)
