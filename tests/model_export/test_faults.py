"""Rows of a database that are wrong: all are listed at once, and mended or skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.model_export.test_databases import arrays, read
from tests.support import factories, made_databases

WRONG = [
    ("05", "EP01_1", None, 5, 5, 9, None, 4, "disgust"),
    ("05", "EP01_2", None, 9, 5, 12, None, 4, "disgust"),
    ("05", "EP01_3", None, 1, 5, 9, None, 4, "hapiness"),
    ("05", "EP01_4", None, "one", 5, 9, None, 4, "disgust"),
    ("05", "EP01_5", None, 1, 5, 9, None, 4, "disgust"),
    ("05", "EP01_6", None, 1, 6, 9, None, 4, "disgust"),
    ("1", "EP02_01F", None, 46, 59, 86, None, 4, "happiness"),
    ("05", "EP01_7", None, 1, 5, 9, None, 4, "disgust"),
    ("05", "EP01_8", None, 1, 5, 9, None, 4, "disgust"),
    ("05", "EP01_9", None, 1, 5, 9, None, 4, None),
    (None, "EP01_9", None, 1, 5, 9, None, 4, "disgust"),
    ("05", "EP02_03", None, 1, 5, 9, None, 4, "disgust"),
    ("05", "EP03_01", None, 1, 5, 9, None, 4, "disgust"),
]
ADVICE = (
    "mend them with --fixes, take another apex with --apex, or leave them out with --skip-unusable"
)
ALL = ("--scheme", "casme2-5")
"""A scheme that leaves no clip out because of its apex."""
REASONS = [
    "line 3: 05/EP01_1: the apex, 5, is the onset, 5",
    "line 4: 05/EP01_2: the apex, 5, is before the onset, 9",
    "line 5: 05/EP01_3: the emotion 'hapiness' is not known",
    "line 6: 05/EP01_4: onset must be a frame number, not 'one'",
    "line 7: 05/EP01_5: the folder sub05/EP01_5 does not exist",
    "line 8: 05/EP01_6: there is no frame 6",
    "line 9: 1/EP02_01F: the same clip as on line 2",
    "line 12: 05/EP01_9: there is no emotion",
    "line 13: there is no subject",
    "line 14: 05/EP02_03: the folder sub05/EP02_03 does not exist, but sub06/EP02_03 does",
    "line 15: 05/EP03_01: there are two folders for it: a/sub05/EP03_01 and b/sub05/EP03_01",
    "line 10: 05/EP01_7: onset and apex have different sizes, 112 x 112 and 56 x 56",
    "line 11: 05/EP01_8: img5.jpg: the file is not one of the supported formats",
]
"""The last two need the pictures; all others only their names."""


def wrong(tmp_path: Path) -> Path:
    """CASME II with one good row and one of each fault."""
    root = tmp_path / "delivered"
    good = ("01", "EP02_01f", None, 46, 59, 86, None, "12", "happiness")
    rows = [made_databases.CASME2_HEADER, good, *WRONG]
    made_databases.write_workbook(root / "sheet.xlsx", {"Sheet1": rows})
    made_databases.write_frames(root / "sub01/EP02_01f", "img{}.jpg", 46, 59)
    for number in (1, 2, 3, 4, 6, 7, 8, 9):
        made_databases.write_frames(root / f"sub05/EP01_{number}", "img{}.jpg", 1, 5)
    made_databases.write_frames(root / "sub06/EP02_03", "img{}.jpg", 1, 5)
    for copy in ("a", "b"):
        made_databases.write_frames(root / copy / "sub05/EP03_01", "img{}.jpg", 1, 5)
    small = factories.jpeg(factories.picture(56, 56))
    (root / "sub05/EP01_7/img5.jpg").write_bytes(small)
    (root / "sub05/EP01_8/img5.jpg").write_text("words")
    return root


def test_all_that_is_wrong_is_listed_at_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With line and reason, before any flow is computed: not one after another, run by run."""
    root = wrong(tmp_path)
    monkeypatch.setattr("off_tanet_export.datasets.measuring.expression_flow", None)
    assert read(root, "casme2", *ALL) == 2
    out, err = capfd.readouterr()
    *listed, last = err.splitlines()
    assert out == ""
    for line, reason in zip(listed, REASONS, strict=True):
        assert line.startswith(f"sheet.xlsx, {reason}")
    assert last == f"off-tanet: 13 of 14 rows cannot be used: {ADVICE}"
    assert not root.with_suffix(".npz").exists()


def test_unusable_clips_can_be_skipped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The end says how many, and why."""
    root = wrong(tmp_path)
    assert read(root, "casme2", "--skip-unusable", *ALL) == 0
    out, err = capfd.readouterr()
    assert out.splitlines()[0] == (
        "14 rows: 1 used; 2 no folder; 1 onset = apex; 1 apex before onset; 1 unknown emotion; "
        "1 no number as onset; 1 no frame; 1 twice; 1 no emotion; 1 no subject; 1 two folders; "
        "1 of two sizes; 1 no picture"
    )
    for reason in REASONS:
        assert any(line.startswith(f"skipped: {reason}") for line in err.splitlines())
    assert arrays(root)["clip"].tolist() == ["EP02_01f"]


def test_a_sheet_is_mended_by_a_file_of_fixes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The sheet itself stays as it was delivered."""
    root = wrong(tmp_path)
    fixes = tmp_path / "fixes.csv"
    lines = [
        "line;column;value;why",
        "3;Onset Frame;1;",
        "5.0;Emotion;happiness;",
        "14;subject;06;",
    ]
    fixes.write_text("\n".join(lines))
    assert read(root, "casme2", "--skip-unusable", "--fixes", str(fixes)) == 0
    assert arrays(root)["clip"].tolist() == ["EP02_01f", "EP01_1", "EP01_3", "EP02_03"]
    fixes.write_text("line;column;value\n99;onset;1\n")
    assert read(root, "casme2", "--fixes", str(fixes)) == 2
    assert "has no row on line 99" in capfd.readouterr().err
