"""`off-tanet predict`, `clip`, `video` and `model`: one request, answered in this process."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from off_tanet.cli import formatting
from off_tanet.cli.bootstrap import create_recognizer, load_settings
from off_tanet.cli.console import (
    AsJson,
    ConfigPath,
    Face,
    Faces,
    path,
    print_json,
    progress_bar,
    show,
    suppress_stderr,
)
from off_tanet.cli.exit_codes import CommandError, ExitCode

if TYPE_CHECKING:
    from off_tanet.schemas.prediction import Included
    from off_tanet.types import Progress

Report = Annotated[
    Path | None,
    typer.Option(parser=path, metavar="FILE.png", help="Also write a one-page picture."),
]
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

    Both must be PNG, JPEG, WebP, BMP or TIFF, and have the same size.
    """
    from off_tanet.files import read
    from off_tanet.workers.answers import frames_answer

    recognizer = create_recognizer(load_settings(config))
    pair = [read(file, recognizer.limits.upload_bytes) for file in (onset, apex)]
    with suppress_stderr():
        result = frames_answer(recognizer, pair[0], pair[1], face, _pictures(report), faces=faces)
    _print_prediction(json.loads(result.json), report, as_json)


def clip(
    file: Annotated[Path, typer.Argument(parser=path, help="MP4, MOV, AVI, WebM, MKV or GIF.")],
    onset_index: Index = None,
    apex_index: Index = None,
    face: Face = "auto",
    faces: Faces = "one",
    report: Report = None,
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Recognise the expression of a short clip.

    Onset and apex are spotted unless they are given.
    """
    from off_tanet.files import read
    from off_tanet.workers.answers import clip_answer

    recognizer = create_recognizer(load_settings(config))
    content = read(file, recognizer.limits.upload_bytes)
    with _progress() as progress:
        result = clip_answer(
            recognizer,
            content,
            face,
            _pictures(report),
            faces=faces,
            onset_index=onset_index,
            apex_index=apex_index,
            progress=progress,
        )
    _print_prediction(json.loads(result.json), report, as_json)


def video(
    file: Annotated[Path, typer.Argument(parser=path, help="MP4, MOV, AVI, WebM, MKV or GIF.")],
    face: Face = "auto",
    faces: Faces = "one",
    as_json: AsJson = False,
    config: ConfigPath = None,
) -> None:
    """Find every expression of a long video.

    Expressions of up to half a second are micro, longer ones macro. Blinks, speech and turns of the
    head are counted.
    """
    from off_tanet.files import read
    from off_tanet.workers.answers import video_answer

    recognizer = create_recognizer(load_settings(config))
    content = read(file, recognizer.limits.video_bytes)
    with _progress() as progress:
        result = video_answer(recognizer, content, face, faces=faces, progress=progress)
    spotting = json.loads(result.json)
    if as_json:
        print_json(spotting)
    else:
        show(*formatting.spotting(spotting))


def model(as_json: AsJson = False, config: ConfigPath = None) -> None:
    """Show the model card and the measured scores."""
    from off_tanet.recognition import flow
    from off_tanet.schemas.model import ModelBody

    card = ModelBody.of(
        create_recognizer(load_settings(config)).card, flow.build_name()
    ).model_dump()
    if as_json:
        print_json(card)
    else:
        show(*formatting.model(card))


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


def _print_prediction(prediction: dict[str, Any], report: Path | None, as_json: bool) -> None:
    if report:
        _, _, content = prediction.pop("report").partition(",")
        for face in prediction.get("faces", ()):
            face.pop("report")
        try:
            report.write_bytes(base64.b64decode(content))
        except OSError as error:
            raise CommandError(f"{report}: {error.strerror}", ExitCode.USAGE) from None
    if as_json:
        print_json(prediction)
    else:
        show(*formatting.prediction(prediction))
