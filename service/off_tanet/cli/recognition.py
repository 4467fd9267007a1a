"""`off-tanet predict`, `clip`, `video` and `model`: one question, answered in this process."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from off_tanet.cli import formatting
from off_tanet.cli.bootstrap import configured, warm_recognizer
from off_tanet.cli.console import AsJson, Face, answer, path, progress_bar, show, silenced
from off_tanet.cli.exit_codes import Code, EndError

if TYPE_CHECKING:
    from off_tanet.schemas.prediction import Included
    from off_tanet.types import Progress

Report = Annotated[
    Path | None,
    typer.Option(parser=path, metavar="FILE.png", help="Write a picture of the answer, one page."),
]
Index = Annotated[int | None, typer.Option(min=0, help="This frame, not the one that is found.")]


def predict(
    onset: Annotated[
        Path, typer.Argument(parser=path, help="Picture of the face before the expression.")
    ],
    apex: Annotated[
        Path, typer.Argument(parser=path, help="Picture of it at the expression's height.")
    ],
    face: Face = "auto",
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Recognise the expression between two pictures.

    They are PNG, JPEG, WebP, BMP or TIFF, of one size.
    """
    from off_tanet.files import read
    from off_tanet.workers.answers import frames_answer

    recognizer = warm_recognizer(configured())
    before, after = (read(file, recognizer.limits.upload_bytes) for file in (onset, apex))
    with silenced():
        answered = frames_answer(recognizer, before, after, face, _pictures(report))
    _print_prediction(json.loads(answered.json), report, as_json)


def clip(
    file: Annotated[Path, typer.Argument(parser=path, help="MP4, MOV, AVI, WebM, MKV or GIF.")],
    onset_index: Index = None,
    apex_index: Index = None,
    face: Face = "auto",
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Recognise the expression of a short clip.

    Onset and apex are found in it, unless they are given.
    """
    from off_tanet.files import read
    from off_tanet.workers.answers import clip_answer

    recognizer = warm_recognizer(configured())
    content = read(file, recognizer.limits.upload_bytes)
    with _shown_progress() as progress:
        answered = clip_answer(
            recognizer,
            content,
            face,
            _pictures(report),
            onset_index=onset_index,
            apex_index=apex_index,
            progress=progress,
        )
    _print_prediction(json.loads(answered.json), report, as_json)


def video(
    file: Annotated[Path, typer.Argument(parser=path, help="MP4, MOV, AVI, WebM, MKV or GIF.")],
    face: Face = "auto",
    as_json: AsJson = False,
) -> None:
    """Find every expression of a long video.

    Those of up to half a second are recognised; longer ones are told as macro.
    """
    from off_tanet.files import read
    from off_tanet.workers.answers import video_answer

    recognizer = warm_recognizer(configured())
    content = read(file, recognizer.limits.video_bytes)
    with _shown_progress() as progress:
        answered = video_answer(recognizer, content, face, progress=progress)
    spotting = json.loads(answered.json)
    if as_json:
        answer(spotting)
    else:
        show(*formatting.spotting(spotting))


def model(as_json: AsJson = False) -> None:
    """Show the model's card and its measured scores."""
    from off_tanet.recognition import flow
    from off_tanet.schemas.prediction import ModelBody

    card = ModelBody.of(warm_recognizer(configured()).card, flow.build_name()).model_dump()
    if as_json:
        answer(card)
    else:
        show(*formatting.model(card))


def _pictures(report: Path | None) -> frozenset[Included]:
    return frozenset({"report"} if report else ())


@contextmanager
def _shown_progress() -> Iterator[Progress]:
    """A `Progress` that a bar shows."""
    with progress_bar() as bar:
        task = bar.add_task("", total=None)

        def update(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield update


def _print_prediction(prediction: dict[str, Any], report: Path | None, as_json: bool) -> None:
    if report:
        _, _, content = prediction.pop("report").partition(",")
        try:
            report.write_bytes(base64.b64decode(content))
        except OSError as error:
            raise EndError(f"{report}: {error.strerror}", Code.USAGE) from None
    if as_json:
        answer(prediction)
    else:
        show(*formatting.prediction(prediction))
