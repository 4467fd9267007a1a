"""Clips measured in several processes."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
from off_tanet_export.datasets.checks import check_rows
from off_tanet_export.datasets.frames import FrameFolders
from off_tanet_export.datasets.layouts import LAYOUTS
from off_tanet_export.datasets.measuring import CroppedClip, Measuring
from off_tanet_export.datasets.processes import apply
from off_tanet_export.datasets.records import read_records
from off_tanet_export.datasets.rows import Fault, Row, Rules
from off_tanet_export.datasets.schemes import MEGC2019
from off_tanet_export.errors import MapsError

from tests.support import made_databases


def rows(root: Path) -> tuple[Row, ...]:
    """Four clips, whose apexes are to be spotted; one of them has a broken frame."""
    lines = ["subject,clip,onset,apex,class"]
    for clip in "abcd":
        made_databases.write_frames(root / "1" / clip, "{}.jpg", 1, 5, 2, 3, 4, 6)
        lines.append(f"1,{clip},1,/,fear")
    (root / "1/c/4.jpg").write_bytes(b"")
    (root / "mine.csv").write_text("\n".join(lines))
    layout = LAYOUTS["csv"]
    records = read_records(layout, root / "mine.csv")
    rules = Rules(MEGC2019, "mine", apex="spotted")
    return check_rows(layout, records, FrameFolders.of(root), rules).usable


def test_processes_do_not_change_the_result(tmp_path: Path) -> None:
    """Neither clips nor faults, nor their order."""
    clips = rows(tmp_path)
    one, two = (Measuring(100, True, number, least_frames=1) for number in (1, 2))
    found, expected = two.crop_all(clips), one.crop_all(clips)
    faults = [str(clip) for clip in found if isinstance(clip, Fault)]
    assert faults == ["line 4: 1/c: 4.jpg: the file is empty."]
    assert faults == [str(clip) for clip in expected if isinstance(clip, Fault)]
    cropped, others = (
        [clip for clip in part if isinstance(clip, CroppedClip)] for part in (found, expected)
    )
    assert [clip.apex for clip in cropped] == [clip.apex for clip in others] == [5, 5, 5]
    np.testing.assert_array_equal(two.flows(cropped), one.flows(others))


def crash_on_three(value: int) -> int:
    if value == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * value


def test_a_value_that_ends_its_process_loses_no_other() -> None:
    """A crash in a decoder, or all memory taken: not an hour of work."""
    assert apply(crash_on_three, range(6), 4, "work") == [0, 2, 4, None, 8, 10]


def test_processes_that_cannot_work_are_an_error() -> None:
    """As in a script that starts work when it is imported: not a fault of each clip."""
    with pytest.raises(MapsError, match="no process can work here; try --processes 1"):
        apply(crash_on_three, [3, 3, 3], 2, "work")


def test_a_process_that_the_system_ends_is_replaced(tmp_path: Path) -> None:
    """Where memory runs out, the system ends any process; then fewer work at once."""

    def end_one() -> None:
        while not (started := set(active_children()) - others):
            pass
        os.kill(started.pop().pid or 0, signal.SIGKILL)

    others = set(active_children())
    clips = rows(tmp_path)[:2]
    thread = threading.Thread(target=end_one)
    thread.start()
    found = Measuring(100, True, 2, least_frames=1).crop_all(clips)
    thread.join()
    assert [isinstance(clip, CroppedClip) for clip in found] == [True, True]
