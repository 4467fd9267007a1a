"""Labelled clips of several files: forms of sheets, names of people, clips that cannot be used."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from off_tanet_export.checkpoint import save
from off_tanet_export.commands import main
from off_tanet_export.datasets.loading import load_clips, load_labelled
from off_tanet_export.errors import MapsError

from tests.model_export import examples
from tests.model_export.test_own_data import APEX, ONSET, record
from tests.support import factories, made_databases, two_people

FORMS = {
    "semicolons": ("mine.csv", ";", "utf-8"),
    "tabs": ("mine.tsv", "\t", "utf-8-sig"),
    "UTF-16": ("mine.csv", ";", "utf-16"),
    "GBK": ("mine.csv", ",", "gbk"),
    "capitals": ("MINE.CSV", ",", "utf-8"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_sheet_may_be_of_any_usual_form(form: str, tmp_path: Path) -> None:
    """As Excel and pandas write them: whole numbers with decimals, too, and a column of words."""
    name, separator, encoding = FORMS[form]
    record(tmp_path / "s1" / "a", "img", 1.5)
    lines = [
        ["subject", "clip", "onset", "apex", "class", "备注"],
        ["1.0", "a", f"{ONSET}.0", f"{APEX}.0", "Happy", "笑"],
    ]
    text = "\r\n".join(separator.join(cells) for cells in lines)
    (tmp_path / name).write_bytes(text.encode(encoding))
    maps = load_labelled([tmp_path / name], cropped=True)
    assert (maps.people.tolist(), maps.labels.tolist()) == (["mine/001"], [1])


def test_one_person_has_one_name(tmp_path: Path) -> None:
    """Under two names, a person would be in training and in the test."""
    lines = ["subject,clip,onset,apex,class"]
    for clip, subject in enumerate(("1", "01", "s1", "sub01", "Subject 1", "spNO.1")):
        record(tmp_path / subject / f"c{clip}", "img", 1.5)
        lines.append(f"{subject},c{clip},{ONSET},{APEX},happiness")
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    assert set(load_clips(tmp_path / "mine.csv", cropped=True).people) == {"mine/001"}


def write_study(folder: Path, name: str, header: str, row: str) -> Path:
    record(folder / "s1" / "a", "img", 1.5)
    (folder / name).write_text(f"{header}\n{row}\n")
    return folder / name


def test_sheets_of_one_name_are_not_merged(tmp_path: Path) -> None:
    """Their subjects 1 are two people, and `labels` names no database."""
    row = f"1,a,{ONSET},{APEX},happiness"
    sheets = [
        write_study(tmp_path / study, "labels.csv", "subject,clip,onset,apex,class", row)
        for study in ("one", "two")
    ]
    with pytest.raises(MapsError, match="2 spreadsheets are named labels"):
        load_labelled(sheets, cropped=True)


def test_a_clip_is_not_scored_twice(tmp_path: Path) -> None:
    """The sheet that names its database and the file of that database have the same clip."""
    row = f"1,a,{ONSET},{APEX},happiness"
    sheet = write_study(tmp_path / "one", "mine.csv", "subject,clip,onset,apex,class", row)
    output = tmp_path / "mine.npz"
    named = ["--database", "csv", "--name", "Mine", "--output", str(output), "--cropped"]
    assert main(["data", "read", str(sheet.parent), *named]) == 0
    with pytest.raises(MapsError, match="1 clips are given twice, such as a of mine/001"):
        load_labelled([sheet, output], cropped=True)


def test_a_database_in_a_sheet_has_its_scheme(tmp_path: Path) -> None:
    """MEGC2019 left out fear and sadness in CASME II, but not in SAMM."""
    lines = ["database,subject,clip,onset,apex,class"]
    lines += [f"{name},1,{name[:4]},{ONSET},{APEX},fear" for name in ("CASME II", "SAMM")]
    record(tmp_path / "1" / "SAMM", "img", 1.5)
    (tmp_path / "both.csv").write_text("\n".join(lines))
    maps = load_clips(tmp_path / "both.csv", cropped=True)
    assert maps.people.tolist() == ["samm/001"]


def test_read_files_are_scored_as_their_sheets(tmp_path: Path) -> None:
    """`evaluate --maps` reads flows; half precision costs less than a level of a map."""
    row = f"1,a,{ONSET},{APEX},happiness"
    sheet = write_study(tmp_path / "one", "mine.csv", "subject,clip,onset,apex,class", row)
    named = ["--database", "csv", "--name", "mine", "--cropped"]
    for output, options in (("flow.npz", []), ("maps.npz", ["--maps", "28"])):
        written = ["--output", str(tmp_path / output), *options]
        assert main(["data", "read", str(sheet.parent), *named, *written]) == 0
        expected, read = (load_clips(path, cropped=True) for path in (sheet, tmp_path / output))
        assert (read.people.tolist(), read.clips.tolist()) == (["mine/001"], ["a"])
        assert read.labels.tolist() == expected.labels.tolist()
        np.testing.assert_allclose(read.maps, expected.maps, atol=1 / 255)
        if output == "flow.npz":  # for networks that take raw flow
            assert read.flows is not None
            assert expected.flows is not None
            np.testing.assert_allclose(read.flows, expected.flows, atol=2e-3)


def test_a_clip_without_a_face_does_not_end_everything(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With the service's own detector: it is listed with those that do not exist at all."""
    lines = ["subject,clip,onset,apex,class"]
    onset = factories.portrait()[:256, 96:352]
    pictures = {"face": (onset, np.roll(onset, 1, axis=0)), "none": (factories.picture(),) * 2}
    for clip, frames in pictures.items():
        (tmp_path / "1" / clip).mkdir(parents=True)
        for number, pixels in enumerate(frames, 1):
            (tmp_path / "1" / clip / f"{number}.png").write_bytes(factories.png(pixels))
        lines.append(f"1,{clip},1,2,surprise")
    (tmp_path / "mine.csv").write_text("\n".join([*lines, "1,gone,1,2,surprise"]))
    command = ["data", "read", str(tmp_path), "--database", "csv", "--name", "mine"]
    command += ["--output", str(tmp_path / "o.npz")]
    assert main(command) == 2
    err = capfd.readouterr().err
    assert "mine.csv, line 3: 1/none: no face on the onset frame, 1\n" in err
    assert "mine.csv, line 4: 1/gone: the folder 1/gone does not exist\n" in err
    assert main([*command, "--skip-unusable"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("3 rows: 1 used; 1 no folder; 1 without a face\n")


def test_a_sheet_is_scored_without_its_unusable_clips(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """If one says so; and it is said of which clips the score is not."""
    row = f"1,a,{ONSET},{APEX},happiness"
    sheet = write_study(tmp_path / "one", "mine.csv", "subject,clip,onset,apex,class", row)
    sheet.write_text(sheet.read_text() + f"1,b,{APEX},{ONSET},happiness\n2,c,1,2,others\n")
    save(examples.checkpoint(), tmp_path / "c")
    command = ["evaluate", "--checkpoint", str(tmp_path / "c"), "--cropped", "--maps", str(sheet)]
    assert main(command) == 2
    wrong = f"line 3: 1/b: the apex, {ONSET}, is before the onset, {APEX}"
    assert capfd.readouterr().err.startswith(f"mine.csv, {wrong}\noff-tanet: 1 of 3 rows ")
    assert main([*command, "--skip-unusable"]) == 0
    out, err = capfd.readouterr()
    assert f"mine.csv: skipped: {wrong}\n" in err
    assert "mine.csv: 3 rows: 1 used; 1 others; 1 apex before onset\n" in err
    assert out.splitlines()[1].split()[:2] == ["mine", "1"]


def test_two_people_in_one_clip_are_noted(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The row or the folder is wrong, but a turned head could look like that, too."""
    (tmp_path / "1" / "a").mkdir(parents=True)
    for number, pixels in enumerate((factories.portrait(), two_people.faces()[0]), 1):
        picture = factories.png(cv2.resize(pixels, (256, 256)).astype(np.uint8))
        (tmp_path / "1" / "a" / f"{number}.png").write_bytes(picture)
    (tmp_path / "mine.csv").write_text("subject,clip,onset,apex,class\n1,a,1,2,fear\n")
    load_clips(tmp_path / "mine.csv")
    note = "mine.csv: note: line 2: 1/a: onset and apex may be of two people\n"
    assert note in capfd.readouterr().err


def test_one_folder_may_have_several_clips(tmp_path: Path) -> None:
    """Of a long video; they are told apart by their onsets. The same row twice is an error."""
    row = f"1,a,{ONSET}.0,{APEX}.0,0.0,happiness"
    header = "subject,clip,onset,apex,offset,class"
    sheet = write_study(tmp_path / "one", "mine.csv", header, row)
    made_databases.write_frames(tmp_path / "one" / "s1" / "a", "img{}.png", 70, 75)
    sheet.write_text(sheet.read_text() + "01,a,70,75,0,surprise\n01,a,80,-1.0,0,surprise\n")
    data = load_clips(sheet, cropped=True)
    assert data.clips.tolist() == [f"a_{ONSET}", "a_70"]
    sheet.write_text(sheet.read_text() + "1,A,70,75,0,surprise\n")
    with pytest.raises(MapsError, match="line 5: 1/A: the same clip as on line 3"):
        load_clips(sheet, cropped=True)


def read_study(tmp_path: Path, *options: str) -> Path:
    """A file of one clip, as `data read` writes it."""
    row = f"1,a,{ONSET},{APEX},happiness"
    sheet = write_study(tmp_path / "one", "mine.csv", "subject,clip,onset,apex,class", row)
    output = tmp_path / "mine.npz"
    named = ["--database", "csv", "--name", "mine", "--cropped", "--output", str(output)]
    assert main(["data", "read", str(sheet.parent), *named, *options]) == 0
    return output


@pytest.mark.parametrize("options", [(), ("--maps", "28")])
def test_a_damaged_file_is_an_error(options: tuple[str, ...], tmp_path: Path) -> None:
    """A copy that broke off, or a bad disk: zipfile, zlib and NumPy raise a dozen kinds."""
    whole = read_study(tmp_path, *options)
    data, damaged = whole.read_bytes(), tmp_path / "damaged.npz"
    rng, read = np.random.default_rng(0), []
    places = rng.integers(0, len(data), 40)
    for place in places:
        for content in (data[:place], data[:place] + rng.bytes(60) + data[place + 60 :]):
            damaged.write_bytes(content)
            with suppress(MapsError):  # nothing else is raised
                read.append(load_clips(damaged))
    assert len(read) < len(places)
    for found in read:  # the damage was in a part that does not count
        np.testing.assert_array_equal(found.maps, load_clips(whole).maps)


CHANGES = {
    "flow": (np.zeros((1, 2, 56, 56), np.float16), "instead of float16 [N,2,112,112]"),
    "label": (np.array([3]), "labels must be indices of the 3 classes"),
    "clip": (np.array(["a", "b"]), "one clip for each flow"),
    "classes": (np.array(["a", "b", "c"]), " are not negative, positive, surprise: a, b, c"),
    "about": (np.array("{"), "`about` is not JSON"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_flows_of_another_form_are_an_error(name: str, tmp_path: Path) -> None:
    path = read_study(tmp_path)
    with np.load(path) as file:
        arrays = dict(file)
    changed, message = CHANGES[name]
    np.savez(path, allow_pickle=False, **{**arrays, name: changed})
    with pytest.raises(MapsError, match=re.escape(message)):
        load_labelled([path])
    del arrays[name]
    np.savez(path, allow_pickle=False, **arrays)
    with pytest.raises(MapsError, match="is missing an array"):
        load_clips(path)
