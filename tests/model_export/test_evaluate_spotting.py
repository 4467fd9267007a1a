"""`evaluate-spotting`: sheets of events, the published program's figures, real files and frames."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from off_tanet.types import Pixels
from off_tanet_export.commands import main
from off_tanet_export.datasets.schemes import MEGC2019
from off_tanet_export.errors import MapsError, RowsError
from off_tanet_export.evaluation.events import Event, read_events, with_classes, write_events
from off_tanet_export.evaluation.spotting_report import spotting_report
from off_tanet_export.evaluation.strs import published_score
from off_tanet_export.evaluation.videos import find_videos

from tests.support import encoders, factories, made_databases, synthetic_video

HEADER = "subject,video,onset,offset,type,emotion\n"


def evaluate(*arguments: object) -> int:
    return main(["evaluate-spotting", *map(str, arguments)])


def sheet(path: Path, *lines: str, header: str = HEADER) -> Path:
    path.write_text(header + "".join(f"{line}\n" for line in lines))
    return path


# --- the published program --------------------------------------------------------------------


def drawn_events(seed: int, emotions: Sequence[str]) -> tuple[list[Event], list[Event]]:
    """Events of 5 people, and predictions near them, for one person less and one video more."""
    rng = np.random.default_rng(seed)
    true, found = [], []
    for person in range(5):
        for video in "abc":
            start = 0
            for _ in range(rng.integers(1, 5)):
                start += int(rng.integers(60, 90))
                length = int(rng.integers(5, 40))
                name = (f"{person:03}", video)
                emotion = str(rng.choice(emotions))
                true.append(Event(name, start, start + length, "", emotion))
                first = start + int(rng.integers(-12, 12))
                said = emotion if rng.random() < 0.6 else str(rng.choice(emotions))
                found.append(Event(name, first, first + int(rng.integers(5, 40)), "", said))
    found = [event for event in found if event.video[0] != "004"]
    return true, [*found, Event(("000", "z"), 5, 9, "", emotions[0])]


FIGURES = {
    0: (8, 18, 18, 0.3076923076923077, 0.21452650934722647),
    1: (14, 19, 19, 0.4242424242424243, 0.22114764667956163),
    2: (11, 15, 15, 0.4230769230769231, 0.3499612803304078),
}
"""What the program at github.com/genbing99/STRS-Metric printed for `drawn_events`."""


@pytest.mark.parametrize("seed", FIGURES)
def test_the_published_reading_has_the_programs_figures(seed: int) -> None:
    """Papers print these: the same predictions must give the same figures here."""
    true, found = drawn_events(seed, ("happiness", "disgust", "others"))
    score = published_score(true, found)
    right, false, missed, f1, strs = FIGURES[seed]
    assert (score.right, score.false, score.missed) == (right, false, missed)
    assert score.spotting == pytest.approx(f1, abs=1e-12)
    assert score.strs == pytest.approx(strs, abs=1e-12)


def test_an_overlap_of_exactly_half_counts() -> None:
    """The pair by which 158 and 159 true positives of the published example differed.

    51 frames of 102 are common; as points in time, 50 of 101 would be.
    """
    video = ("025", "EP03_02")
    true, found = [Event(video, 50, 133)], [Event(video, 32, 100)]
    assert spotting_report(true, found)["rows"]["both"]["right"] == 1
    assert published_score(true, found).right == 1


# --- the definition of the challenge ----------------------------------------------------------


def test_videos_without_events_or_predictions_count() -> None:
    """The published program leaves out both, which makes scores better."""
    true = [Event(("1", "a"), 0, 9, "micro", "x"), Event(("2", "b"), 0, 9, "micro", "x")]
    found = [Event(("1", "a"), 0, 9, "micro", "x"), Event(("1", "c"), 0, 9, "macro", "x")]
    report = spotting_report(true, found, [("3", "d")])
    assert report["videos"] == 4
    rows = {name: (row["events"], row["predictions"], row["right"])
            for name, row in report["rows"].items()}  # fmt: skip
    assert rows == {"micro": (2, 1, 1), "macro": (0, 1, 0), "both": (2, 2, 1)}
    assert report["rows"]["both"]["f1"] == 0.5
    assert report["published"]["f1"] == 1.0


def test_a_macro_expression_is_no_micro_expression() -> None:
    """Unless types are not known: then any event may match."""
    true, found = [Event(("", "a"), 0, 9, "micro")], [Event(("", "a"), 0, 9, "macro")]
    assert spotting_report(true, found)["rows"]["both"]["right"] == 0
    untyped = [replace(event, kind="") for event in found]
    report = spotting_report(true, untyped)
    assert list(report["rows"]) == ["both"]
    assert report["rows"]["both"]["right"] == 1


def test_one_prediction_is_right_for_one_event() -> None:
    """Two adjacent events, each half of the prediction."""
    true = [Event(("", "a"), 0, 4), Event(("", "a"), 5, 9)]
    found = [Event(("", "a"), 0, 9)]
    assert spotting_report(true, found)["rows"]["both"]["right"] == 1
    assert published_score(true, found).right == 2


# --- sheets -----------------------------------------------------------------------------------


def test_sheets_may_have_other_names_of_columns(tmp_path: Path) -> None:
    """And other spellings of a person; what is written is read as it was."""
    path = sheet(
        tmp_path / "a.csv", "sub01;EP01;3.0;9;Micro - 1/2;Happy", "1;EP02;3;9;macro;surprise",
        header="Subject;Filename;OnsetFrame;OffsetFrame;Type;Estimated Emotion\n",
    )  # fmt: skip
    events = read_events(path)
    assert events == [
        Event(("001", "ep01"), 3, 9, "micro", "happiness"),
        Event(("001", "ep02"), 3, 9, "macro", "surprise"),
    ]
    write_events(events, tmp_path / "b.csv")
    assert read_events(tmp_path / "b.csv") == events
    assert [event.emotion for event in with_classes(events, MEGC2019)] == ["positive", "surprise"]


def test_all_rows_that_cannot_be_used_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """CAS(ME)^2 has 44 offsets of 0: whoever scores them as they are loses these events."""
    path = sheet(
        tmp_path / "a.csv", "1,a,5,0,micro,fear", "1,a,x,9,micro,fear", "1,a,5,9.5,micro,fear",
        "1,,5,9,micro,fear", "1,a,5,9,mini,fear", "1,a,5,9,micro,fear",
    )  # fmt: skip
    assert evaluate("--truth", path, "--predictions", path) == 2
    assert capsys.readouterr().err.splitlines()[:5] == [
        "a.csv, line 2: the offset, 0, is before the onset, 5",
        "a.csv, line 3: onset must be a frame number, not 'x'",
        "a.csv, line 4: offset must be a frame number, not '9.5'",
        "a.csv, line 5: there is no video",
        "a.csv, line 6: the type 'mini' is not micro or macro",
    ]
    sheet(path, "1,a,5,9,,fear", "1,a,5,9,micro,fear")
    assert evaluate("--truth", path, "--predictions", path) == 2
    assert "some events have a type and others have none" in capsys.readouterr().err


def test_the_command_scores_a_sheet_of_predictions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = sheet(tmp_path / "t.csv", "1,a,0,9,micro,fear", "1,a,20,29,micro,happiness")
    found = sheet(tmp_path / "p.csv", "01,A,0,9,micro,fear", "01,A,24,35,micro,happiness")
    assert evaluate("--truth", true, "--predictions", found, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"]["micro"] == {
        "events": 2, "predictions": 2, "right": 1, "precision": 0.5, "recall": 0.5, "f1": 0.5,
        "recognition_uf1": 1.0, "strs": 0.5,
    }  # fmt: skip
    assert evaluate("--truth", true, "--predictions", found) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "1 videos"
    assert shown[2].split() == ["micro", "2", "2", "1", "0.500", "0.500", "0.500", "1.000", "0.500"]
    assert evaluate("--truth", true) == 2
    assert "needs --videos or --predictions" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["casme-sq", "samm-lv"])
def test_sheets_of_databases_are_read_as_delivered(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their videos are found under the codes of the sheets, and offsets of 0 are no frames."""
    write = {"casme-sq": made_databases.casme_sq, "samm-lv": made_databases.samm_lv}[name]
    write(tmp_path)
    (path,) = tmp_path.glob("*.xlsx")
    if name == "samm-lv":
        events = read_events(path, name)
        assert [(event.video, event.kind, event.emotion) for event in events] == [
            (("006", "006_1"), "micro", "anger"),
            (("006", "006_1"), "macro", "happiness"),
            (("006", "006_1"), "micro", "happiness"),
        ]
    else:
        with pytest.raises(RowsError, match="line 2: the offset, 0, is before the onset, 20"):
            read_events(path, name)
        events = read_events(path, name, skip_unusable=True)
        assert "left out: " in capsys.readouterr().err
        events = [event for event in events if event.video[0] == "015"]
        assert events == [Event(("015", "0401"), 557, 608, "micro", "negative")]
    (found,) = [v for v in find_videos(tmp_path, events) if v.name == events[0].video]
    assert found.path.name == {"casme-sq": "15_0401girlcrashing", "samm-lv": "006_1"}[name]


# --- videos -----------------------------------------------------------------------------------


def test_annotated_videos_are_found_by_name_and_person(tmp_path: Path) -> None:
    """A typing error would else be a video without predictions, and a lower score."""
    for name in ("s01/a.mp4", "s02/a.mp4", "s02/b.mkv", "s03/long/img2.jpg", "s03/long/img10.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video")
    true = [Event(("001", "a"), 0, 9), Event(("003", "long"), 2, 10), Event(("", "b.mkv"), 1, 2)]
    videos = {video.path.relative_to(tmp_path).as_posix(): video.name
              for video in find_videos(tmp_path, true)}  # fmt: skip
    assert videos == {
        "s01/a.mp4": ("001", "a"),
        "s02/a.mp4": ("002", "a"),
        "s02/b.mkv": ("", "b.mkv"),
        "s03/long": ("003", "long"),
    }
    for wanted, message in (
        (("", "a"), "has 2 videos named a"),
        (("1", "c"), "no video named 1/c"),
    ):
        with pytest.raises(MapsError, match=message):
            find_videos(tmp_path, [Event(wanted, 0, 9)])


def scene_frames() -> tuple[list[Pixels], tuple[int, int]]:
    """Ten seconds with one clear expression, and its first and last frame."""
    scene = synthetic_video.video_scene(42, 1, seconds=10.0, head_px=0.5)
    (event, *_) = [e for e in scene.events if e.offset_s - e.onset_s <= 0.5]
    scene = replace(scene, events=(replace(event, px=2.0),), blinks=())
    first, last = (
        int(np.abs(scene.times_s - at).argmin()) for at in (event.onset_s, event.offset_s)
    )
    return list(synthetic_video.film(scene)), (first, last)


@pytest.mark.slow
def test_files_and_folders_of_frames_are_spotted_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The frames of folders have their own numbers; a video without a face ends nothing."""
    frames, (first, last) = scene_frames()
    videos = tmp_path / "videos"
    (videos / "s1").mkdir(parents=True)
    (videos / "s1" / "film.mp4").write_bytes(encoders.film(frames, fps=30, options={"crf": "10"}))
    (videos / "s2" / "frames").mkdir(parents=True)
    for index, frame in enumerate(frames):
        (videos / "s2" / "frames" / f"img{index + 101}.png").write_bytes(factories.png(frame))
    grey = [np.full((240, 240, 3), 90, np.uint8)] * 40
    (videos / "s3.mp4").write_bytes(encoders.film(grey, fps=30))
    true = sheet(
        tmp_path / "t.csv", f"1,film,{first},{last},micro,happiness",
        f"2,frames,{first + 101},{last + 101},micro,happiness",
    )  # fmt: skip
    out = tmp_path / "p.csv"
    command = ["--truth", true, "--videos", videos, "--output", out, "--processes", 1]
    assert evaluate(*command) == 2
    assert "folders of frames need --fps" in capsys.readouterr().err
    assert evaluate(*command, "--fps", 30, "--json") == 0
    shown = capsys.readouterr()
    report: dict[str, Any] = json.loads(shown.out)
    assert report["videos"] == 3
    assert report["rows"]["micro"]["events"] == 2
    assert report["rows"]["micro"]["recall"] == 1.0
    assert "s3.mp4: No face was found in the video. Nothing counts as found." in shown.err
    assert evaluate("--truth", true, "--predictions", out, "--scheme", "megc2019", "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["rows"] == report["rows"]
