"""The option `--report`: the kind of the file is that of its ending."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated, Any

import typer

from off_tanet.cli.console import path
from off_tanet.cli.exit_codes import CommandError, ExitCode

SUFFIXES = (".png", ".pdf")


def _report(text: str) -> Path:
    file = path(text)
    if file.suffix.lower() not in SUFFIXES:
        raise typer.BadParameter(f"the name must end in {' or '.join(SUFFIXES)}")
    return file


Report = Annotated[
    Path | None,
    typer.Option(parser=_report, metavar="FILE", help="Also write a page, as .png or .pdf."),
]


def save_report(prediction: dict[str, Any], file: Path) -> None:
    """Take the report out of a prediction and write it.

    Args:
        prediction: The JSON of a prediction that includes `report`; it is changed.
        file: A name that ends in one of `SUFFIXES`.

    Raises:
        CommandError: The file cannot be written.
    """
    from off_tanet.visualization.pdf import pdf_of_png

    _, _, encoded = prediction.pop("report").partition(",")
    for face in prediction.get("faces", ()):
        face.pop("report")
    content = base64.b64decode(encoded)
    if file.suffix.lower() == ".pdf":
        content = pdf_of_png(content, "Report of a facial motion")
    try:
        file.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", ExitCode.USAGE) from None
