"""Output of the commands: the API's own fields as JSON, the same in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from off_tanet.api.middleware.auth import digest
from off_tanet.api.openapi_answers import PREDICTION, UNNAMED
from off_tanet.cli import formatting, main
from off_tanet.configuration import ASSETS
from off_tanet.schemas.model import ModelBody
from off_tanet.schemas.prediction import PredictionBody
from off_tanet.schemas.spotting import SpottingBody
from off_tanet.setting_names import variable
from off_tanet.settings import Settings
from rich.table import Table

from tests.support import factories, two_people

SAMPLES = ASSETS / "samples"
PAIR = [str(SAMPLES / f"surprise_{frame}.jpg") for frame in ("onset", "apex")]
CLIP = str(SAMPLES / "clip.mp4")
MOMENTS = [{"index": index, "time_s": index / 50} for index in (4, 9, 20)]

Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must succeed without anything on standard error; return what it prints."""

    def run(*arguments: str) -> str:
        code = main(arguments)
        captured = capsys.readouterr()
        assert (code, captured.err) == (0, "")
        return captured.out

    return run


@pytest.mark.parametrize("arguments", [["predict", *PAIR], ["clip", CLIP]])
def test_json_is_the_apis_prediction(run: Run, arguments: list[str]) -> None:
    """One client must be able to read both."""
    answer = PredictionBody.model_validate_json(run(*arguments, "--json"))
    assert answer.label == "surprise"
    assert answer.face is not None


def test_json_of_a_video_and_of_the_model_are_the_apis(run: Run) -> None:
    assert SpottingBody.model_validate_json(run("video", CLIP, "--json")).video.frames == 30
    assert ModelBody.model_validate_json(run("model", "--json")).name == "off-tanet"


def test_options_reach_the_recognizer(run: Run) -> None:
    answer = json.loads(
        run("clip", CLIP, "--onset-index", "3", "--apex-index", "12", "--face", "none", "--json")
    )
    assert (answer["onset"]["index"], answer["apex"]["index"], answer["face"]) == (3, 12, None)


def test_text_shows_the_label_and_the_warnings(run: Run) -> None:
    printed = run("predict", *PAIR)
    (chosen,) = [line for line in printed.splitlines() if "←" in line]
    assert chosen.startswith("surprise")
    assert "warnings    none" in printed
    assert "label       surprise" in printed


def test_text_says_why_there_is_no_label(run: Run) -> None:
    """No label is an answer, not an error: the exit code is 0."""
    printed = run("predict", PAIR[0], PAIR[0])
    assert "label       none: The face hardly moves." in printed
    assert "warnings    no_motion" in printed
    assert "←" not in printed


def test_text_lists_the_alternatives() -> None:
    body = {
        **UNNAMED,
        "alternatives": [
            {**PREDICTION, "onset": MOMENTS[0], "apex": MOMENTS[1]},
            {**UNNAMED, "onset": MOMENTS[1], "apex": MOMENTS[2]},
        ],
    }
    (_, _, table) = formatting.prediction(body)
    assert isinstance(table, Table)
    names, texts = (list(column.cells) for column in table.columns)
    assert [text for name, text in zip(names, texts, strict=True) if name == "alternative"] == [
        "positive 0.88, frame 4 at 0.080 s to frame 9 at 0.180 s",
        "none, no_motion, frame 9 at 0.180 s to frame 20 at 0.400 s",
    ]


def test_text_shows_the_expressions_of_a_video(run: Run) -> None:
    assert "face on 30 of 30 frames" in run("video", CLIP)


def test_text_shows_the_models_scores(run: Run) -> None:
    printed = run("model")
    assert "Apache-2.0" in printed
    assert "confusion" in printed


def test_a_report_is_a_picture(run: Run, tmp_path: Path) -> None:
    run("predict", *PAIR, "--report", str(tmp_path / "report.png"))
    report = cv2.imread(str(tmp_path / "report.png"))
    assert report is not None
    assert min(report.shape[:2]) > 112


def test_every_setting_is_listed_in_json_too(run: Run) -> None:
    listed = {each["variable"]: each for each in json.loads(run("settings", "--json"))}
    assert set(listed) == {variable(name) for name in Settings.model_fields}
    assert listed["OFF_TANET_QUEUE_SIZE"]["default"] == 16


def test_a_key_and_its_line_in_json(run: Run) -> None:
    made = json.loads(run("key", "new", "clinic", "--json"))
    assert made["line"] == f"{digest(made['key'])} clinic"


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """Files of two people: the left one, the smaller, smiles; the right one raises the brows."""
    frames = two_people.clip()
    names = [str(tmp_path / f"{name}.png") for name in ("onset", "apex")]
    for name, place in zip(names, (5, 14), strict=True):
        Path(name).write_bytes(factories.png(frames[place]))
    return names


def test_a_face_is_chosen(run: Run, two: list[str]) -> None:
    for face, label in (("0", "surprise"), ("1", "positive"), ("30,60,220,200", "positive")):
        assert json.loads(run("predict", *two, "--face", face, "--json"))["label"] == label


def test_all_faces_are_shown(run: Run, two: list[str], tmp_path: Path) -> None:
    report = tmp_path / "report.png"
    faces = json.loads(run("predict", *two, "--faces", "all", "--report", str(report), "--json"))
    assert [face["label"] for face in faces["faces"]] == ["surprise", "positive"]
    assert report.exists()
    assert "report" not in str(faces)
    told = run("predict", *two, "--faces", "all")
    chosen = [line.split()[0] for line in told.splitlines() if "←" in line]
    assert chosen == ["surprise", "positive"]
    assert "face 1\n" in told


def test_expressions_of_all_faces_are_numbered(run: Run) -> None:
    told = run("video", CLIP, "--faces", "all")
    assert "face on 30 of 30 frames" in told


@pytest.mark.parametrize("face", ["Auto", "-1", "1,2,3"])
def test_an_unknown_face_is_a_wrong_option(
    capsys: pytest.CaptureFixture[str], two: list[str], face: str
) -> None:
    assert main(["predict", *two, f"--face={face}"]) == 2
    assert "must be an index from 0" in capsys.readouterr().err
