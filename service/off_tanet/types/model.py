"""The description of a model, and its output."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from off_tanet.types.pictures import Attention

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASSES = ("negative", "positive", "surprise")
"""The classes of the shipped model, in the order of its outputs; other models may have others."""

_CLASS_NAME = re.compile(r"[^\W_](?:[\w &'()+/-]{0,62}[\w)+])?")


def are_class_names(names: Sequence[str]) -> bool:
    """Return whether names can be those of a model's classes.

    They are keys of JSON objects and ends of columns such as `probabilities.joy`: two or more, each
    different from the others, and of letters and digits of any script, at most 64 characters.
    Between them may stand spaces and some marks, but no dot.
    """
    return len(names) == len(set(names)) > 1 and all(map(_CLASS_NAME.fullmatch, names))


@dataclass(frozen=True, slots=True)
class ModelName:
    """Name and version of the model that made a prediction."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The metadata of a model file.

    Attributes:
        name: Name of the model.
        version: Version of the model.
        classes: Class labels in the order of the outputs.
        input: Description of the input tensor.
        parameters: Number of parameters of the network.
        licence: Licence of the weights.
        training_data: Description of the training data.
        scores: Measured scores, as plain JSON values.
        preprocessing: How the graph computes the network's input from the flow: kind of strain, map
            size, scaling, mirroring and temperature.
        training: Configuration of the training; empty if the file has none.
        limits: What the model cannot do, in sentences; empty if the file has none.
        responsible_use: What the model must not be used for, in sentences; empty if the file has
            none.
        expressive_parameters: Number of parameters of the head for `expressive`, which is no part
            of the network; None if the model has no such output.
    """

    name: str
    version: str
    classes: tuple[str, ...]
    input: str
    parameters: int
    licence: str
    training_data: str
    scores: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    training: Mapping[str, Any]
    limits: str
    responsible_use: str
    expressive_parameters: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """The output of the network for one flow field.

    Attributes:
        probabilities: Finite values [K] in the order of the classes; their sum is 1.
        attention: Attention map, [14, 14].
        expressive: Probability that the flow shows an expression at all; None if the model does not
            say.
    """

    probabilities: NDArray[np.float64]
    attention: Attention
    expressive: float | None = None
