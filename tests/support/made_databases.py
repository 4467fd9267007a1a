"""Databases as they are delivered, made up: the sheets and folders of each, with tiny faces.

Each function writes one database and returns what has to be read of it. What is odd in the real
databases (marks, spellings, types, headers) is odd here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import openpyxl
import xlwt

from tests.support import face_motion, factories

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Made:
    """What has to be read.

    Attributes:
        clips: Each clip's person and name, and its class.
        summary: The closing line.
        options: Options that are needed, beside those of every database.
    """

    clips: Mapping[tuple[str, str], str]
    summary: str
    options: tuple[str, ...] = ()


# --- frames and sheets ------------------------------------------------------------------------


@cache
def picture(smiling: bool, suffix: str) -> bytes:
    """A face crop of the portrait, as a file."""
    flow = face_motion.smile(1.5) if smiling else None
    return factories.encoded(face_motion.face_crop(flow), suffix)


def write_frames(folder: Path, name: str, onset: int, apex: int, *others: int) -> None:
    """Write frames under `name` with the number in it; the face smiles on the apex."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in (*others, onset, apex):
        path = folder / name.format(number)
        path.write_bytes(picture(number == apex, path.suffix))


def write_workbook(path: Path, sheets: Mapping[str, Iterable[Row]]) -> None:
    """Write an `.xlsx` file."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def write_old_workbook(path: Path, rows: Iterable[Row]) -> None:
    """Write an `.xls` file."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("labels")
    for at, row in enumerate(rows):
        for place, value in enumerate(row):
            if value is not None:
                sheet.write(at, place, value)
    book.save(str(path))


# --- the databases ----------------------------------------------------------------------------

CASME2_HEADER = (
    *("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None),
    *("Action Units", "Estimated Emotion"),
)


def casme2(root: Path, *more: Row) -> Made:
    """Columns without a name, subjects as texts, `/` for no apex, frames and crops."""
    rows: list[Row] = [
        ("01", "EP02_01f", None, 46, 59, 86, None, "4+L10", "happiness"),
        ("02", "EP03_02", None, 1, 5, 9, None, "12", "disgust"),
        ("02", "EP13_04", None, 1, 5, 9, None, "12", "others"),
        ("02", "EP14_01", None, 1, 5, 9, None, "12", "others"),
        ("03", "EP01_2", None, 1, 5, 9, None, "1+2", "fear"),
        ("04", "EP12_01f", None, 10, "/", 30, None, 4, "repression"),
    ]
    write_workbook(root / "CASME2-coding.xlsx", {"Sheet1": [CASME2_HEADER, *rows, *more]})
    for subject, clip, onset, apex in (("01", "EP02_01f", 46, 59), ("02", "EP03_02", 1, 5)):
        for folder, name in (("CASME2-RAW", "img{}.jpg"), ("Cropped", "reg_img{}.jpg")):
            write_frames(root / folder / f"sub{subject}" / clip, name, onset, apex)
    return Made(
        {("001", "EP02_01f"): "positive", ("002", "EP03_02"): "negative"},
        "6 rows: 2 used; 2 others; 1 fear or sadness; 1 without an apex",
    )


def casme(root: Path) -> Made:
    """GBK text, two columns for the apex, `tense`."""
    lines = [
        "Subject,Filename,OnsetF,ApexF1,ApexF2,OffsetF,AUs,Emotion,备注",
        "1,EP01_5,73,80,,90,4,disgust,正常",
        "1,EP01_7,10,,18,30,4,tense,",
        "2,EP02_1,10,/,18,30,1+2,surprise,",
    ]
    (root / "casme.csv").write_bytes("\n".join(lines).encode("gbk"))
    write_frames(root / "sub01" / "EP01_5", "EP01_5-{}.jpg", 73, 80)
    write_frames(root / "sub02" / "EP02_1", "reg_EP02_1-{}.jpg", 10, 18)
    return Made(
        {("001", "EP01_5"): "negative", ("002", "EP02_1"): "surprise"},
        "3 rows: 2 used; 1 tense",
    )


def casme_sq(root: Path) -> Made:
    """No header, three sheets, long videos, offsets of 0, macro-expressions."""
    micro, macro = "micro-expression", "macro-expression"
    clips: list[Row] = [
        (1, "anger1_1", 557, 572, 608, "4", "negative", micro, "anger"),
        (1, "happy2_3", 20, 26, 0, "12", "positive", micro, "happyiness"),
        (2, "happy2_1", 20, 40, 90, "12", "positive", macro, "happiness"),
        (2, "disgust1_2", 5, 9, 12, "9", "others", micro, "others"),
    ]
    people: list[Row] = [(15, "s15", 1), (16, "s16", 2)]
    videos: list[Row] = [("0401", "anger1"), (507, "happy2"), ("0101", "disgust1")]
    sheets = {"CASFEcode_final": clips, "naming rule1": people, "naming rule2": videos}
    write_workbook(root / "CAS(ME)^2code_final.xlsx", sheets)
    write_frames(root / "rawpic/s15/15_0401girlcrashing", "img{}.jpg", 557, 572)
    write_frames(root / "rawpic/s15/15_0507climbingthewall", "img{}.jpg", 20, 26)
    return Made(
        {("015", "anger1_1"): "negative", ("015", "happy2_3"): "positive"},
        "4 rows: 2 used; 1 macro-expressions; 1 others",
    )


def casme3(root: Path) -> Made:
    """An old workbook; folders without a subject's, in other capitals; `happy` and `sad`."""
    rows: list[Row] = [
        ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"),
        ("spNO.1", "a", 355, 360, 370, "12", 1, "happy"),
        ("spNO.1", "a", 500, 510, 520, "4", 2, "sad"),
        ("spNO.2", "J", 30, 34.0, 41, "1+2", 3, "surprise"),
        ("spNO.2", "J", 60, 64, 71, "1+2", 3, "Others"),
    ]
    write_old_workbook(root / "cas(me)3_part_A_ME_label_JpgIndex_v2.xls", rows)
    for name, onset, apex in (("1_a", 355, 360), ("1_a", 500, 510), ("2_j", 30, 34)):
        folder = root / "Part_A_ME_clip/frame" / f"spNo.{name}_{onset}"
        write_frames(folder, "{}.jpg", onset, apex)
    return Made(
        {
            ("001", "a_355"): "positive",
            ("001", "a_500"): "negative",
            ("002", "J_30"): "surprise",
        },
        "4 rows: 3 used; 1 others",
    )


def smic(root: Path) -> Made:
    """No sheet and no apex: five frames a clip, of three cameras."""
    clips = {"s1_ne_01": "negative", "s1_po_02": "positive", "s20_sur_01": "surprise"}
    for clip, emotion in clips.items():
        subject = clip.partition("_")[0]
        for camera in ("HS", "VIS"):
            folder = root / camera / subject / "micro" / emotion / clip
            write_frames(folder, "image{:05}.bmp", 11, 13, 12, 14, 15)
    write_frames(root / "HS/s1/non_micro/s1_nonmicro_01", "image{:05}.bmp", 1, 2)
    people = {clip: f"{int(clip.partition('_')[0][1:]):03}" for clip in clips}
    return Made(
        {(people[clip], clip): emotion for clip, emotion in clips.items()},
        "3 rows: 3 used",
        ("--apex", "middle"),
    )


def _samm_sheet(header_line: int, header: Row, rows: Iterable[Row]) -> list[Row]:
    words: list[Row] = [("Spontaneous movements",), ("Subject and file names as in the folders",)]
    blank: list[Row] = [(None,)] * (header_line - 1 - len(words))
    return [*words, *blank, header, *rows]


def samm(root: Path) -> Made:
    """A header on line 14, subjects as texts, an apex after the offset, one before the onset."""
    header = (
        *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame"),
        *("Duration", "Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
    )
    rows: list[Row] = [
        ("006", "006_1_2", 1, 5562, 5569, 5580, 18, "1/2", "4", "Anger", 2, None),
        ("028", "028_4_1", 4, 100, 130, 120, 20, "1/2", "12", "Happiness", 1, None),
        ("028", "028_4_2", 4, 100, 110, 120, 20, "1/2", "12", "Other", 7, None),
        ("032", "032_3_1", 3, 100, 99, 120, 20, "1/2", "4", "Anger", 2, None),
    ]
    write_workbook(root / "SAMM_FACS_Codes_v2.xlsx", {"SAMM": _samm_sheet(14, header, rows)})
    write_frames(root / "006/006_1_2", "006_{:05}.jpg", 5562, 5569)
    write_frames(root / "028/028_4_1", "028_{:05}.jpg", 100, 130)
    write_frames(root / "032/032_3_1", "032_{:05}.jpg", 100, 110, 99, 120)
    return Made(
        {
            ("006", "006_1_2"): "negative",
            ("028", "028_4_1"): "positive",
            ("032", "032_3_1"): "negative",
        },
        "4 rows: 3 used; 1 others",
        ("--apex", "middle"),
    )


def samm_lv(root: Path) -> Made:
    """A header on line 10, frames of whole videos, types, -1 for no apex; emotions were added."""
    header = (
        *("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration"),
        *("Type", "Action Units", "Notes", "Emotion"),
    )
    rows: list[Row] = [
        ("006", "006_1_1", 1, 20, 25, 31, 12, "Micro - 1/2", "4", None, "anger"),
        ("006", "006_1_2", 1, 50, 70, 90, 41, "Macro", "12", None, "happiness"),
        ("006", "006_1_3", 1, 95, -1, 99, 5, "Micro - 1/2", "12", None, "happiness"),
    ]
    write_workbook(root / "SAMM_LongVideos_V3.xlsx", {"LV": _samm_sheet(10, header, rows)})
    write_frames(root / "006_1", "006_1_{:04}.jpg", 20, 25, 50, 70, 95, 97, 99)
    return Made(
        {("006", "006_1_1"): "negative"},
        "3 rows: 1 used; 1 macro-expressions; 1 without an apex",
    )


def mmew(root: Path) -> Made:
    """Folders of emotions, no folder of a subject."""
    rows: list[Row] = [
        (
            "Subject",
            "Filename",
            "OnsetFrame",
            "ApexFrame",
            "OffsetFrame",
            "AU",
            "Estimated Emotion",
        ),
        (1, "S01-01-001", 1, 9, 20, "4", "anger"),
        (2, "S02-03-001", 1, 7, 20, "12", "happiness"),
    ]
    write_workbook(root / "MMEW_Micro_Exp.xlsx", {"Sheet1": rows})
    write_frames(root / "Micro_Expression/anger/S01-01-001", "{}.jpg", 1, 9)
    write_frames(root / "Micro_Expression/happiness/S02-03-001", "{}.jpg", 1, 7)
    return Made(
        {("001", "S01-01-001"): "negative", ("002", "S02-03-001"): "positive"}, "2 rows: 2 used"
    )


def four_dme(root: Path) -> Made:
    """Several emotions in one cell: of one class, or not."""
    rows: list[Row] = [
        ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Emotion"),
        ("sub_01", "ep1", 1, 9, 20, "4", "Negative/Repression"),
        ("sub_01", "ep2", 1, 9, 20, "1+2", "Positive, Surprise"),
        ("sub_02", "ep1", 1, 7, 20, "1+2", "Positively surprise"),
    ]
    write_workbook(root / "4DME.xlsx", {"Sheet1": rows})
    write_frames(root / "sub_01/ep1", "{}.jpg", 1, 9)
    write_frames(root / "sub_02/ep1", "{}.jpg", 1, 7)
    return Made(
        {("001", "ep1"): "negative", ("002", "ep1"): "surprise"},
        "3 rows: 2 used; 1 of several classes",
    )


DATABASES: Mapping[str, Callable[[Path], Made]] = MappingProxyType(
    {
        "casme2": casme2,
        "casme": casme,
        "casme-sq": casme_sq,
        "casme3": casme3,
        "smic": smic,
        "samm": samm,
        "samm-lv": samm_lv,
        "mmew": mmew,
        "4dme": four_dme,
    }
)
"""Each database by its name in `--database`."""
