"""The average face: where each landmark lies on the canonical crop, and which ones are rigid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

AVERAGE: Points = np.load(
    Path(__file__).parents[2] / "assets/face/average.npy", allow_pickle=False
).astype(np.float64)
"""x, y, z of each landmark of the average face in crop pixels, [468, 3]; z as `FaceLandmarks`'.

Made by `off_tanet_export.face_models.average`.
"""

CANTHI = (33, 133, 362, 263)
NOSE_BRIDGE = (168, 6, 197, 195, 193, 417, 122, 351, 196, 419, 3, 248, 236, 456)
NOSE_SIDES = (198, 420, 174, 399, 188, 412, 245, 465, 114, 343, 217, 437, 126, 355)
ALAE = (129, 358, 98, 327, 48, 278)
TEMPLES = (127, 356, 234, 454, 93, 323, 162, 389, 21, 251)
FOREHEAD = (10, 151, 9, 8, 109, 338, 67, 297, 103, 332, 54, 284)

RIGID = np.array([*CANTHI, *NOSE_BRIDGE, *NOSE_SIDES, *ALAE, *TEMPLES, *FOREHEAD])
"""The landmarks that move least with an expression.

On 60 photographs in which the muscles of each class moved by 1.5 crop pixels, a crop placed by them
moved by 0.2 px at its centre and 0.4 px at its corners: what is left is taken out of the flow.
"""
