"""CAS(ME)^2: a workbook without a header, and frames such as `s15/anger1_1/img557.jpg`.

F. Qu et al., "CAS(ME)^2: A Database for Spontaneous Macro-Expression and Micro-Expression Spotting
and Recognition", IEEE Transactions on Affective Computing 9(4), 2018. The workbook's other sheets
tell the folder of each subject (1 is `s15`) and the code of each video (`anger1` is `0401`), under
which long videos are delivered: `s15/15_0401girlcrashing/img557.jpg`. An offset of 0 is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from off_tanet_export.datasets.layouts.layout import Cells, Layout
from off_tanet_export.datasets.sheets import Sheet
from off_tanet_export.errors import MapsError

_FOLDER = re.compile(r"s\d+", re.IGNORECASE)
_VIDEO = re.compile(r"[a-z]+\d*", re.IGNORECASE)


def _add_codes(cells: Cells, sheets: Sequence[Sheet]) -> Cells:
    """Add the subject's folder, as the subject, and the video's code."""
    subjects = _subjects(sheets)
    if not subjects:
        raise MapsError(
            "CAS(ME)^2 needs its workbook as delivered: a sheet of it tells the folders of "
            "subjects, such as s15 for 1"
        )
    video = cells["clip"].rpartition("_")[0].casefold()
    folder = subjects.get(cells["subject"])
    return {
        **cells,
        "subject": folder or cells["subject"],
        "video": _videos(sheets).get(video, video),
    }


def _subjects(sheets: Sequence[Sheet]) -> dict[str, str]:
    """The folder of each subject's number: a line has `s15`, and the number last."""
    found = {}
    for line in (line for sheet in sheets[1:] for line in sheet.lines):
        folders = [cell for cell in line if _FOLDER.fullmatch(cell)]
        numbers = [cell for cell in line if cell.isdecimal()]
        if folders and numbers:
            found[numbers[-1]] = folders[0]
    return found


def _videos(sheets: Sequence[Sheet]) -> dict[str, str]:
    """The code of each video's name: a line has `0401`, or 401 as a number, and `anger1`."""
    found = {}
    for line in (line for sheet in sheets[1:] for line in sheet.lines):
        codes = [cell for cell in line if cell.isdecimal() and 3 <= len(cell) <= 4]
        names = [cell for cell in line if _VIDEO.fullmatch(cell) and not _FOLDER.fullmatch(cell)]
        if codes and names:
            found[names[0].casefold()] = codes[0].zfill(4)
    return found


LAYOUT = Layout(
    "casme-sq",
    "CAS(ME)^2",
    ("s{person:02}/{clip}", "{subject}/{clip}", "s{person:02}/{person:02}_{video}*"),
    rate=30,
    places={
        "subject": 0,
        "clip": 1,
        "onset": 2,
        "apex": 3,
        "offset": 4,
        "emotion": 6,
        "kind": 7,
    },
    add=_add_codes,
)
