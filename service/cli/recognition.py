"""`off-tanet predict`, `clip`, `video` and `model`: one question, answered in this process."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import telling
from service.cli.ending import Code, EndError
from service.cli.loading import configured, warm_recognizer
from service.cli.printing import AsJson, Face, answer, progress_bar, show, silenced

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from service.api.schemas import Included
    from service.jobs import Answer
    from service.recognition.recognizer import Recognizer
    from service.worker import Job, Part

Report = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Write a picture of the answer, one page.")
]
Index = Annotated[int | None, typer.Option(min=0, help="This frame, not the one that is found.")]


def predict(
    onset: Annotated[Path, typer.Argument(help="Picture of the face before the expression.")],
    apex: Annotated[Path, typer.Argument(help="Picture of it at the expression's height.")],
    face: Face = "auto",
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Recognise the expression between two pictures.

    They are PNG, JPEG, WebP, BMP or TIFF, of one size.
    """
    from service.files import read
    from service.jobs import FramesJob

    recognizer = warm_recognizer(configured())
    limit = recognizer.limits.upload_bytes
    job = FramesJob(read(onset, limit), read(apex, limit), face, _pictures(report))
    with silenced():
        prediction = json.loads(job(recognizer, lambda *_: None).json)
    _print_prediction(prediction, report, as_json)


def clip(
    file: Annotated[Path, typer.Argument(help="MP4, MOV, AVI, WebM, MKV or GIF.")],
    onset_index: Index = None,
    apex_index: Index = None,
    face: Face = "auto",
    report: Report = None,
    as_json: AsJson = False,
) -> None:
    """Recognise the expression of a short clip.

    Onset and apex are found in it, unless they are given.
    """
    from service.files import read
    from service.jobs import ClipJob

    recognizer = warm_recognizer(configured())
    content = read(file, recognizer.limits.upload_bytes)
    job = ClipJob(content, onset_index, apex_index, face, _pictures(report))
    _print_prediction(_carried_out(job, recognizer), report, as_json)


def video(
    file: Annotated[Path, typer.Argument(help="MP4, MOV, AVI, WebM, MKV or GIF.")],
    face: Face = "auto",
    as_json: AsJson = False,
) -> None:
    """Find every expression of a long video.

    Those of up to half a second are recognised; longer ones are told as macro.
    """
    from service.files import read
    from service.jobs import VideoJob

    recognizer = warm_recognizer(configured())
    content = read(file, recognizer.limits.video_bytes)
    spotting = _carried_out(VideoJob(content, face), recognizer)
    if as_json:
        answer(spotting)
    else:
        show(*telling.spotting(spotting))


def model(as_json: AsJson = False) -> None:
    """Show the model's card and its measured scores."""
    from service.api.schemas import ModelBody
    from service.recognition import flow
    from service.worker import Facts

    facts = Facts(warm_recognizer(configured()).card, flow.build_name())
    card = ModelBody.of(facts).model_dump()
    if as_json:
        answer(card)
    else:
        show(*telling.model(card))


def _pictures(report: Path | None) -> frozenset[Included]:
    return frozenset({"report"} if report else ())


def _carried_out(job: Job[Answer], recognizer: Recognizer) -> dict[str, Any]:
    """The API's JSON for `job`, under a progress bar."""
    with progress_bar() as bar:
        task = bar.add_task("", total=None)
        answered: dict[str, Any] = json.loads(job(recognizer, _Bar(bar, task)).json)
        return answered


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
        show(*telling.prediction(prediction))


@dataclass(frozen=True, slots=True)
class _Bar:
    """A job's `Report`, shown."""

    bar: Progress
    task: TaskID

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.bar.update(self.task, description=stage, completed=done, total=total)

    def part(self, part: Part) -> None:
        """The whole answer comes soon enough."""
