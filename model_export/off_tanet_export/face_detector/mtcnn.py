"""MTCNN's three networks in PyTorch, with the weights in the wheel of `facenet-pytorch`.

The networks are those of K. Zhang, Z. Zhang, Z. Li and Y. Qiao, "Joint Face Detection and Alignment
Using Multitask Cascaded Convolutional Networks", IEEE Signal Processing Letters 23(10), 2016. Only
the wheel's three state dicts and its licence are read; nothing of it is installed or run.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray

from off_tanet_export.errors import ModelExportError

WHEEL = "facenet_pytorch-2.6.0-py3-none-any.whl"
WHEEL_SHA256 = "ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca"

Weights = dict[str, torch.Tensor]


class WheelError(ModelExportError):
    """The wheel is another one, or damaged."""


@dataclass(frozen=True)
class Stage:
    """One network of the cascade: convolutions, at most one dense layer, then its heads.

    `pools` contains, for each convolution, the kernel of the max pooling after it (stride 2, ceil
    mode), or 0 for none. The first head computes the score, the second the correction of the box,
    the third, if there is one, the five landmarks. A stage without a dense layer is fully
    convolutional: it has an output for every cell of a picture of any size.
    """

    name: str
    title: str
    cell: int
    pools: tuple[int, ...]
    heads: tuple[str, ...]
    dense: str = ""


STAGES = (
    Stage("pnet", "P-Net", 12, (2, 0, 0), ("conv4_1", "conv4_2")),
    Stage("rnet", "R-Net", 24, (3, 3, 0), ("dense5_1", "dense5_2"), "4"),
    Stage("onet", "O-Net", 48, (3, 3, 2, 0), ("dense6_1", "dense6_2", "dense6_3"), "5"),
)


def read_wheel(wheel: Path) -> tuple[dict[str, Weights], str]:
    """Read the state dict of each stage, by the stage's name, and the text of the licence.

    Raises:
        WheelError: The file is not the wheel of facenet-pytorch 2.6.0.
    """
    data = wheel.read_bytes()
    if hashlib.sha256(data).hexdigest() != WHEEL_SHA256:
        raise WheelError(f"{wheel.name} is not {WHEEL}, or it is damaged")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        states = {
            stage.name: torch.load(
                io.BytesIO(archive.read(f"facenet_pytorch/data/{stage.name}.pt")),
                map_location="cpu",
                weights_only=True,
            )
            for stage in STAGES
        }
        licence = archive.read("facenet_pytorch-2.6.0.dist-info/LICENSE.md").decode()
    return states, licence


def reference(stage: Stage, weights: Weights, pixels: NDArray[np.uint8]) -> list[torch.Tensor]:
    """Compute a stage's outputs in PyTorch, with the wheel's tensors as they are.

    Args:
        stage: The stage.
        weights: Its state dict.
        pixels: uint8 [N, H, W, 3], blue-green-red.

    Returns:
        Score [N, ...], box [N, ..., 4] and landmarks [N, 5, 2]; the dots are the rows and columns
        of cells for P-Net, and nothing for the others.
    """
    rgb = torch.from_numpy(np.ascontiguousarray(pixels[..., ::-1])).permute(0, 3, 1, 2)
    x = (rgb.float() - 127.5) / 128
    for number, pool in enumerate(stage.pools, start=1):
        x = functional.conv2d(x, weights[f"conv{number}.weight"], weights[f"conv{number}.bias"])
        x = functional.prelu(x, weights[f"prelu{number}.weight"])
        if pool:
            x = functional.max_pool2d(x, pool, stride=2, ceil_mode=True)
    if not stage.dense:
        score, box = (
            functional.conv2d(x, weights[f"{head}.weight"], weights[f"{head}.bias"])
            for head in stage.heads
        )
        return [score.softmax(1)[:, 1], box.permute(0, 2, 3, 1)]
    # The dense layer's input has channels fastest, then y, then x: of the six orders the only one
    # with which a face is detected as one and its landmarks are in the right places.
    x = x.permute(0, 3, 2, 1).flatten(1)
    name = f"dense{stage.dense}"
    x = functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
    x = functional.prelu(x, weights[f"prelu{stage.dense}.weight"])
    score, *rest = (
        functional.linear(x, weights[f"{head}.weight"], weights[f"{head}.bias"])
        for head in stage.heads
    )
    answers = [score.softmax(1)[:, 1], rest[0]]
    # Five x, then five y.
    return answers + [points.reshape(-1, 2, 5).permute(0, 2, 1) for points in rest[1:]]
