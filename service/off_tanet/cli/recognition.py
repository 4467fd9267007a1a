"""`off-tanet predict`, `clip`, `video` and `model`: one request, answered in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from off_tanet.cli import formatting, inputs
from off_tanet.cli.answers import print_answer, print_answers
from off_tanet.cli.bootstrap import create_recognizer, load_settings
from off_tanet.cli.console import (
    AsJson,
    ConfigPath,
    Face,
    Faces,
    path,
    progress_bar,
    suppress_stderr,
)
from off_tanet.cli.exit_codes import CommandError, ExitCode
from off_tanet.cli.inputs import Clips, Rate
from off_tanet.cli.reports import Report, save_report
from off_tanet.face_choice import FaceChoice, FaceCount

if TYPE_CHECKING:
    from off_tanet.recognition.recognizer import Recognizer
    from off_tanet.schemas.prediction import Included
    from off_tanet.types import Progress

Index = Annotated[int | None, typer.Option(min=0, help="Frame to use instead of the spotted one.")]


def predict(
    onset: Annotated[
        Path, typer.Argument(parser=path, help="Picture of the face before the expression.")
    ],
    apex: Annotated[
        Path, typer.Argument(parser=path, help="Picture of the face at the peak of the expression.")
    ],
    face: Face = "auto",
    faces: Faces = "one",
    report: Report = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Recognise the expression between two pictures.

    Both must be PNG, JPEG, WebP, BMP or TIFF, and have the same size. One of them may be -, for
    standard input.
    """
    from off_tanet.workers.answers import frames_answer

    if onset == apex == inputs.STANDARD_STREAM:
        raise CommandError("only one picture can be standard input", ExitCode.USAGE)
    recognizer = create_recognizer(load_settings(config))
    pair = [inputs.read(file, recognizer.limits.upload_bytes) for file in (onset, apex)]
    with suppress_stderr():
        result = frames_answer(recognizer, pair[0], pair[1], face, _pictures(report), faces=faces)
    print_answer(_saved(json.loads(result.json), report), formatting.prediction, as_json)


def clip(
    file: Clips,
    onset_index: Index = None,
    apex_index: Index = None,
    fps: Rate = None,
    face: Face = "auto",
    faces: Faces = "one",
    report: Report = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Recognise the expression of short clips.

    Onset and apex are spotted unless they are given. Several clips give JSON lines with --json.
    """
    from off_tanet.workers.answers import clip_answer

    files = inputs.expand(file)
    if len(files) > 1 and (report or (onset_index, apex_index) != (None, None)):
        message = "--report, --onset-index and --apex-index are for one clip; see off-tanet batch"
        raise CommandError(message, ExitCode.USAGE)
    recognizer = create_recognizer(load_settings(config))

    def answer(file: Path) -> dict[str, Any]:
        source = inputs.open_source(file, fps, recognizer.limits.upload_bytes)
        with _progress() as progress:
            result = clip_answer(
                recognizer,
                source,
                face,
                _pictures(report),
                faces=faces,
                onset_index=onset_index,
                apex_index=apex_index,
                progress=progress,
            )
        return _saved(json.loads(result.json), report)

    print_answers(files, answer, formatting.prediction, as_json)


def video(
    file: Clips,
    fps: Rate = None,
    face: Face = "auto",
    faces: Faces = "one",
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Find every expression of long videos.

    Expressions of up to half a second are micro, longer ones macro. Blinks, speech and turns of the
    head are counted. Several videos give JSON lines with --json.
    """
    recognizer = create_recognizer(load_settings(config))
    answer = partial(_spotting, recognizer=recognizer, fps=fps, face=face, faces=faces)
    print_answers(inputs.expand(file), answer, formatting.spotting, as_json)


def _spotting(
    file: Path, *, recognizer: Recognizer, fps: float | None, face: FaceChoice, faces: FaceCount
) -> dict[str, Any]:
    from off_tanet.workers.answers import video_answer

    source = inputs.open_source(file, fps, recognizer.limits.video_bytes)
    with _progress() as progress:
        result = video_answer(recognizer, source, face, faces=faces, progress=progress)
    return dict(json.loads(result.json))


def model(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Show the model card and the measured scores."""
    from off_tanet.recognition import flow
    from off_tanet.schemas.model import ModelBody

    card = ModelBody.of(
        create_recognizer(load_settings(config)).card, flow.build_name()
    ).model_dump()
    print_answer(card, formatting.model, as_json)


def _pictures(report: Path | None) -> frozenset[Included]:
    return frozenset({"report"} if report else ())


@contextmanager
def _progress() -> Iterator[Progress]:
    """A `Progress` callback that updates a progress bar."""
    with progress_bar() as bar:
        task = bar.add_task("", total=None)

        def update(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield update


def _saved(prediction: dict[str, Any], report: Path | None) -> dict[str, Any]:
    """Return a prediction without its report, which is written if there is one."""
    if report:
        save_report(prediction, report)
    return prediction
