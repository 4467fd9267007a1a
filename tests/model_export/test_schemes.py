"""Schemes of classes: which rows of a database of the published size have a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path

import pytest
from off_tanet_export.datasets.checks import check_rows
from off_tanet_export.datasets.frames import FrameFolders
from off_tanet_export.datasets.layouts import LAYOUTS
from off_tanet_export.datasets.people import database_name, person_name, unique_person
from off_tanet_export.datasets.records import Record, list_records
from off_tanet_export.datasets.rows import ApexRule, Rows, Rules
from off_tanet_export.datasets.schemes import MEGC2019, SCHEMES, Scheme, custom_scheme, emotions
from off_tanet_export.errors import OptionError

PUBLISHED: Mapping[str, Mapping[str, int]] = {
    "casme2": {
        "Happiness": 32, "Surprise": 25, "Disgust": 63, "Repression": 27,
        "Others": 99, "Fear": 2, "Sadness": 7,
    },
    "samm": {
        "Anger": 57, "Contempt": 12, "Disgust": 9, "Fear": 8, "Happiness": 26,
        "Sadness": 6, "Surprise": 15, "Other": 26,
    },
}  # fmt: skip
"""The number of clips of each emotion, as the databases' papers have them."""


def records(database: str) -> Iterator[Record]:
    """A row for each clip, of 20 people."""
    people = cycle(range(1, 21))
    for emotion, count in PUBLISHED[database].items():
        for number in range(count):
            cells = {"subject": f"{next(people):02}", "clip": f"{emotion}_{number}"}
            cells |= {"onset": "1", "apex": "5", "offset": "9", "emotion": emotion}
            yield Record(f"line {number}", cells)


def checked(
    database: str,
    rows: list[Record],
    root: Path,
    apex: ApexRule = "marked",
    scheme: Scheme = MEGC2019,
) -> Rows:
    """The rows, checked with frames that need only names."""
    layout = LAYOUTS[database]
    for row in rows:
        person = int(row.cells["subject"])
        folder = root / layout.folders[0].format_map({**row.cells, "person": person})
        folder.mkdir(parents=True, exist_ok=True)
        for number in (1, 5, 9):
            (folder / f"img{number}.jpg").touch()
    return check_rows(layout, rows, FrameFolders.of(root), Rules(scheme, database, apex=apex))


def test_megc2019_has_145_clips_of_casme2(tmp_path: Path) -> None:
    """Two clips of 255 that have a class have no usable apex: one is `/`, one is the onset."""
    rows = list(records("casme2"))
    of = {emotion: [row for row in rows if row.cells["emotion"] == emotion] for emotion in
          ("Disgust", "Repression")}  # fmt: skip
    of["Disgust"][0].cells["apex"] = "1"
    of["Repression"][0].cells["apex"] = "/"
    found = checked("casme2", rows, tmp_path)
    assert found.total == 255
    assert [Counter(row.label for row in found.usable)[label] for label in range(3)] == [88, 32, 25]
    assert found.left_out == {
        "others": 99, "fear or sadness": 9, "without an apex": 1, "onset = apex": 1
    }  # fmt: skip
    assert found.faults == ()
    (note,) = found.notes
    assert note.endswith("the apex, 1, is the onset, 1: MEGC2019 left it out")


def test_megc2019_has_133_clips_of_samm(tmp_path: Path) -> None:
    found = checked("samm", list(records("samm")), tmp_path)
    assert [Counter(row.label for row in found.usable)[label] for label in range(3)] == [92, 26, 15]
    assert (found.left_out, found.faults) == ({"others": 26}, ())


def test_one_of_these_133_needs_another_apex(tmp_path: Path) -> None:
    """The apex of 032_3_1 is before its onset. Which other one is taken is the user's choice."""
    rows = list(records("samm"))
    rows[0].cells["onset"], rows[0].cells["apex"] = "5", "1"
    found = checked("samm", rows, tmp_path)
    assert [fault.kind for fault in found.faults] == ["apex before onset"]
    found = checked("samm", rows, tmp_path, apex="middle")
    assert (len(found.usable), found.faults) == (133, ())
    assert [row.apex for row in found.usable if not row.marked] == [9]


def test_rows_that_megc2019_left_out_stay_out_whichever_apex_is_taken(tmp_path: Path) -> None:
    """In a scheme of one's own, another apex makes them usable."""
    rows = [row for row in records("casme2") if row.cells["emotion"] == "Disgust"][:3]
    for row, apex in zip(rows, ("/", "1", "5"), strict=True):
        row.cells["apex"] = apex
    found = checked("casme2", rows, tmp_path, apex="middle")
    assert found.left_out == {"without an apex": 1, "onset = apex": 1}
    found = checked("casme2", rows, tmp_path, apex="middle", scheme=SCHEMES["casme2-5"])
    assert len(found.usable) == 3


def test_rows_without_a_class_are_no_reason_to_refuse(tmp_path: Path) -> None:
    """Whatever is wrong with them; they are counted."""
    rows = [row for row in records("casme2") if row.cells["emotion"] == "Others"][:4]
    rows[0].cells["apex"] = "1"
    rows[1].cells["onset"] = "one"
    rows[2].cells["subject"] = ""
    found = check_rows(
        LAYOUTS["casme2"], rows, FrameFolders.of(tmp_path), Rules(MEGC2019, "casme2")
    )
    assert (found.left_out, found.faults) == ({"others": 4}, ())


def test_megc2019_has_164_clips_of_smic(tmp_path: Path) -> None:
    counts = {"negative": 70, "positive": 51, "surprise": 43}
    people = cycle(range(1, 17))
    for emotion, count in counts.items():
        for number in range(count):
            person = next(people)
            folder = tmp_path / f"HS/s{person}/micro/{emotion}/s{person}_{emotion[:2]}_{number}"
            folder.mkdir(parents=True)
            for frame in (1, 2, 3):
                (folder / f"image{frame}.bmp").touch()
    folders = FrameFolders.of(tmp_path)
    layout = LAYOUTS["smic"]
    rules = Rules(MEGC2019, "smic", apex="middle")
    found = check_rows(layout, list_records(layout, folders), folders, rules)
    labels = Counter(row.label for row in found.usable)
    assert [labels[label] for label in range(3)] == list(counts.values())
    assert len({row.person for row in found.usable}) == 16
    assert {row.apex for row in found.usable} == {2}


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("Happy", ("happiness",)),
        ("happyiness", ("happiness",)),
        ("SAD ", ("sadness",)),
        ("Negative/Repression", ("negative", "repression")),
        ("Positively surprise", ("surprise",)),
        ("disgust and anger; disgust", ("disgust", "anger")),
        (" ", ()),
    ],
)
def test_emotions_are_read_in_any_spelling(cell: str, found: tuple[str, ...]) -> None:
    """`happy` and `sad` were 112 of 699 rows that vanished in silence."""
    assert emotions(cell) == found


def test_every_named_scheme_is_of_known_emotions() -> None:
    for name, scheme in SCHEMES.items():
        assert scheme.name == name
        assert set(scheme.by_emotion.values()) == set(scheme.classes)
        labels = {scheme.label("samm", emotion) for emotion in scheme.by_emotion}
        assert labels == set(range(len(scheme.classes)))


@pytest.mark.parametrize(
    "texts", [["=fear", "b"], ["a=fear=anger", "b"], ["a=fear", "b=fear"], ["a=", "a"], ["a"]]
)
def test_a_scheme_that_is_none_is_refused(texts: list[str]) -> None:
    with pytest.raises(OptionError, match="--classes"):
        custom_scheme(texts)


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (("1", "01", "1.0", "sub01", "s1", "spNO.1", "Subject 1", "sub_001"), "001"),
        (("f1", "F01", "f 1"), "f001"),
        (("m1", "M-01"), "m001"),
        (("Ann", " ann"), "ann"),
    ],
)
def test_a_person_has_one_name(texts: tuple[str, ...], name: str) -> None:
    """And two people have two."""
    assert {person_name(text) for text in texts} == {name}


def test_two_databases_may_have_the_same_people() -> None:
    """Those of SAMM Long Videos, and of all cameras of SMIC; others are told apart."""
    assert unique_person("SAMM-LV", "6") == unique_person("samm", "006") == "samm/006"
    assert unique_person("SMIC-VIS", "6") == unique_person("smic", "s6")
    assert unique_person("casme", "6") != unique_person("casme2", "6")


def test_a_database_has_one_name() -> None:
    """CAS(ME)^2 is not CASME II."""
    names = ("CASME II", "casme2", "CASMEII", "CASME_II", "CASME-2")
    assert {database_name(text) for text in names} == {"casme2"}
    for name in LAYOUTS:
        assert database_name(name.upper()) == name
    assert {database_name(text) for text in ("CAS(ME)^2", "cas(me)²")} == {"casme-sq"}
    assert database_name("My  Data") == "my data"
