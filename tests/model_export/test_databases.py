"""`off-tanet data read`: each database as it is delivered, from its sheet to a file of flows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from off_tanet_export.checkpoint import save
from off_tanet_export.commands import main
from off_tanet_export.datasets.layouts import LAYOUTS

from tests.model_export import examples
from tests.support import made_databases
from tests.support.made_databases import DATABASES


def read(root: Path, database: str, *options: str) -> int:
    """`data read` of face crops into `ROOT.npz`."""
    output = root.with_suffix(".npz")
    named = ["--database", database, str(root), "--output", str(output), "--cropped", *options]
    return main(["data", "read", *named])


def arrays(root: Path) -> dict[str, NDArray[Any]]:
    with np.load(root.with_suffix(".npz")) as file:
        return dict(file)


def made(tmp_path: Path, database: str) -> tuple[Path, made_databases.Made]:
    root = tmp_path / "delivered"
    root.mkdir()
    return root, DATABASES[database](root)


def test_every_layout_is_made() -> None:
    """Except for one's own data, whose folders are in test_own_data.py."""
    assert {*DATABASES, "csv"} == set(LAYOUTS)


@pytest.mark.parametrize("database", DATABASES)
def test_a_database_is_read_as_delivered(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Clips, people and labels; nobody should have to convert a sheet or rename frames."""
    root, expected = made(tmp_path, database)
    assert read(root, database, *expected.options) == 0
    assert capsys.readouterr().out.splitlines()[0] == expected.summary
    file = arrays(root)
    names = zip(file["subject"].tolist(), file["clip"].tolist(), strict=True)
    labels = (str(file["classes"][label]) for label in file["label"])
    assert dict(zip(names, labels, strict=True)) == expected.clips
    assert set(file["dataset"].tolist()) == {database}
    assert file["flow"].dtype == np.float16
    assert file["flow"].shape[1:] == (2, 112, 112)
    assert (np.abs(file["flow"]).max((1, 2, 3)) > 0.5).all()  # the smile, in pixels


def test_the_file_says_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Months later, nobody remembers the options; a path of the machine is nobody's business."""
    root, expected = made(tmp_path, "smic")
    monkeypatch.chdir(root)
    named = ["--database", "smic", "--output", "../o.npz", "--cropped", *expected.options]
    assert main(["data", "read", ".", *named, "--folders", "{path}"]) == 0
    about = str(arrays(root.with_name("o"))["about"])
    assert str(tmp_path) not in about
    said = json.loads(about)
    assert (said["apex"], said["apexes_not_marked"], said["scheme"]) == ("middle", 3, "megc2019")
    assert (said["source"], said["folders"]) == ("delivered", ["{path}"])
    assert said["summary"] == expected.summary


def test_maps_are_written_as_the_field_passes_them_around(tmp_path: Path) -> None:
    root, _ = made(tmp_path, "casme2")
    assert read(root, "casme2", "--maps", "28") == 0
    file = arrays(root)
    assert "flow" not in file
    assert file["maps"].dtype == np.uint8
    assert file["maps"].shape == (2, 28, 28, 3)
    assert (file["maps"].min((1, 2)) == 0).all()
    assert (file["maps"].max((1, 2)) == 255).all()


@pytest.mark.parametrize("rule", ["middle", "spotted"])
def test_an_apex_that_is_not_marked_is_taken_as_said(rule: str, tmp_path: Path) -> None:
    """SMIC marks none. Its smile here is on the third of five frames."""
    root, _ = made(tmp_path, "smic")
    assert read(root, "smic", "--apex", rule) == 0
    assert arrays(root)["onset"].tolist() == [11, 11, 11]
    assert arrays(root)["apex"].tolist() == [13, 13, 13]


def test_without_a_rule_a_database_without_apexes_has_no_clips(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A choice that changes results is the user's."""
    root, _ = made(tmp_path, "smic")
    assert read(root, "smic") == 2
    assert "3 rows: 0 used; 3 without an apex" in capfd.readouterr().err
    assert not root.with_suffix(".npz").exists()


def test_other_classes_can_be_named(tmp_path: Path) -> None:
    """Five classes of CASME II, or whatever a study needs."""
    root, _ = made(tmp_path, "casme2")
    for clip in ("EP13_04", "EP14_01"):
        made_databases.write_frames(root / "Cropped/sub02" / clip, "reg_img{}.jpg", 1, 5)
    assert read(root, "casme2", "--classes", "smile=happiness", "rest=others,disgust") == 0
    file = arrays(root)
    assert file["classes"].tolist() == ["smile", "rest"]
    assert file["label"].tolist() == [0, 1, 1, 1]


def test_the_label_can_be_another_column(tmp_path: Path) -> None:
    """CAS(ME)^2 has what people reported, too, with a spelling of its own."""
    root, _ = made(tmp_path, "casme-sq")
    options = ["--columns", "emotion=9", "--classes", "anger", "happiness"]
    assert read(root, "casme-sq", *options) == 0
    assert arrays(root)["emotion"].tolist() == ["anger", "happiness"]


def test_folders_of_another_copy_can_be_said(tmp_path: Path) -> None:
    """Copies of a database are often ordered anew."""
    root, expected = made(tmp_path, "casme2")
    shutil.rmtree(root / "CASME2-RAW")
    for person, clip in expected.clips:
        folder = root / "Cropped" / f"sub{int(person):02}" / clip
        folder.rename(folder.with_name(f"{clip}_frames"))
    assert read(root, "casme2", "--folders", "{person:02}/{clip}", "sub{person:02}/{clip}_*") == 0
    assert arrays(root)["clip"].tolist() == [clip for _, clip in expected.clips]


def test_frames_of_whole_videos_can_be_said(tmp_path: Path) -> None:
    """CAS(ME)^3 has them, too, of every clip that was cut out."""
    root, expected = made(tmp_path, "casme3")
    shutil.rmtree(root / "Part_A_ME_clip")
    for video, numbers in (("spNO.1/a", (355, 360, 500, 510)), ("spNO.2/j", (30, 34))):
        made_databases.write_frames(root / "part_a" / video / "color", "{}.jpg", *numbers)
        made_databases.write_frames(root / "part_a" / video / "depth", "{}.png", *numbers)
    assert read(root, "casme3", "--folders", "{subject}/{video}/color") == 0
    assert arrays(root)["clip"].tolist() == [clip for _, clip in expected.clips]


def test_types_are_the_labels_where_there_are_no_emotions(tmp_path: Path) -> None:
    """As in SAMM Long Videos: a network can tell micro- from macro-expressions."""
    root = tmp_path / "delivered"
    header = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type")
    rows = [("006", "006_1_1", 20, 25, 31, "Micro - 1/2"), ("006", "006_1_2", 50, 70, 90, "Macro")]
    made_databases.write_workbook(root / "LV.xlsx", {"LV": [header, *rows]})
    made_databases.write_frames(root / "006_1", "006_1_{:04}.jpg", 20, 25, 50, 70)
    assert read(root, "samm-lv", "--kinds", "micro", "macro", "--classes", "micro", "macro") == 0
    assert arrays(root)["label"].tolist() == [0, 1]


def test_an_empty_folder_is_not_left_out_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A copy that broke off. SMIC has no sheet, and the clip's frames of two other cameras."""
    root, expected = made(tmp_path, "smic")
    for path in (root / "HS/s1/micro/negative/s1_ne_01").iterdir():
        path.unlink()
    assert read(root, "smic", *expected.options) == 2
    folder = "s1/micro/negative/s1_ne_01"
    reason = f"{folder}: s1/s1_ne_01: the folder HS/{folder} has no pictures that can be read"
    assert f"{reason}\n" in capfd.readouterr().err


def test_a_clip_of_another_person_is_not_taken(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """In 4DME, clips of several people have one name, and two rows have each other's."""
    root, _ = made(tmp_path, "4dme")
    shutil.rmtree(root / "sub_02")
    assert read(root, "4dme") == 2
    reason = "sub_02/ep1: the folder sub_02/ep1 does not exist, but sub_01/ep1 does"
    assert reason in capfd.readouterr().err


def test_frames_and_crops_may_lie_side_by_side(tmp_path: Path) -> None:
    """SMIC has its crops in a folder of their own, with the same names."""
    root, expected = made(tmp_path, "smic")
    (root / "HS").rename(root / "raw")
    (root / "SMIC_all_raw").mkdir()
    (root / "raw").rename(root / "SMIC_all_raw" / "HS")
    shutil.copytree(root / "SMIC_all_raw", root / "SMIC_all_cropped")
    assert read(root, "smic", *expected.options) == 0
    assert len(arrays(root)["clip"]) == len(expected.clips)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--database", "csv"], "needs a --name"),
        (["--database", "samm", "--name", "mine"], "--name is for"),
        (["--database", "samm", "--maps", "30"], "must divide 112"),
        (["--database", "samm", "--classes", "a=fear", "b=fear"], "fear is in two classes"),
        (["--database", "samm", "--classes", "fear"], "there must be two classes"),
        (["--database", "samm", "--sheet", "absent.xlsx"], "absent.xlsx does not exist"),
        (["--database", "samm"], "no spreadsheet: name it with --sheet"),
        (["--database", "smic", "--columns", "apex=peak"], "SMIC has no sheet"),
        (["--database", "samm", "--columns", "peak=apex"], "peak is none of database, subject"),
        (["--database", "samm", "--columns", "apex"], "'apex' is not NAME=COLUMN"),
        (["--database", "casme-sq", "--columns", "apex=x"], "needs the column's number"),
        (["--database", "samm", "--fixes", "absent.csv"], "absent.csv does not exist"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    options: list[str], message: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "empty"
    root.mkdir()
    assert main(["data", "read", str(root), "--output", str(tmp_path / "o.npz"), *options]) == 2
    err = capfd.readouterr().err
    assert err.startswith("off-tanet: ")
    assert message in err
    assert err.count("\n") == 1


def test_databases_are_scored_together(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """From sheets to the table of a composite: a row for each database, and the pool."""
    files = []
    for database in ("casme2", "samm", "smic"):
        (tmp_path / database).mkdir()
        root, expected = made(tmp_path / database, database)
        assert read(root, database, *expected.options) == 0
        files.append(str(root.with_suffix(".npz")))
    save(examples.checkpoint(), tmp_path / "c")
    assert main(["evaluate", "--checkpoint", str(tmp_path / "c"), "--maps", *files]) == 0
    shown = capfd.readouterr().out.partition("\nmean of folds")[0]
    rows = [line.split()[:2] for line in shown.splitlines()]
    assert [row for row in rows if row and row[0] in ("casme2", "samm", "smic", "pooled")] == [
        ["casme2", "2"],
        ["samm", "3"],
        ["smic", "3"],
        ["pooled", "8"],
    ]
