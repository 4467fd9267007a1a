"""Body of the measurements of a face on every frame."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from off_tanet import types

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Signal = list[float | None]

_EXAMPLE: JsonDict = {
    "time_s": [0.0, 0.016667],
    "presence": [0.9998, None],
    "right_eye": [0.2817, None],
    "left_eye": [0.2794, None],
    "mouth": [0.0312, None],
    "yaw": [-3.1254, None],
    "pitch": [1.8821, None],
    "roll": [0.4417, None],
    "x": [242.1187, None],
    "y": [214.6302, None],
    "scale": [2.2311, None],
    "sharpness": [6.1093, None],
    "brightness": [131.5502, None],
    "surroundings": [148.0126, None],
}


class SignalsBody(BaseModel):
    """Measurements of the face, one value per frame; null without a face.

    Right and left are those of the person.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    time_s: list[float] = Field(description="Seconds from the start of the clip.")
    presence: Signal = Field(description="Probability of a face in the tracked region, 0 to 1.")
    right_eye: Signal = Field(description="Opening of the right eye as a share of its width.")
    left_eye: Signal = Field(description="Opening of the left eye as a share of its width.")
    mouth: Signal = Field(
        description="Distance between the lips as a share of that of the eyes' outer corners."
    )
    yaw: Signal = Field(description="Turn of the head to the right of the picture, in degrees.")
    pitch: Signal = Field(description="Turn of the head downwards, in degrees.")
    roll: Signal = Field(description="Turn of the head clockwise, in degrees.")
    x: Signal = Field(description="Column of the head, in pixels of the upload.")
    y: Signal = Field(description="Row of the head, in pixels of the upload.")
    scale: Signal = Field(description="Pixels of the upload for one pixel of the face crop.")
    sharpness: Signal = Field(
        description="Standard deviation of the Laplacian of the face crop, in grey levels."
    )
    brightness: Signal = Field(description="Mean of the face crop, in grey levels, 0 to 255.")
    surroundings: Signal = Field(
        description="Mean of the picture above and on both sides of the head, in grey levels; null "
        "also where the picture ends at the head."
    )

    @classmethod
    def of(cls, signals: types.Signals) -> Self:
        """Round the arrays: times to 6 decimals, signals to 4."""
        names = [name for name in cls.model_fields if name != "time_s"]
        arrays = {name: _numbers(getattr(signals, name)) for name in names}
        return cls(time_s=signals.time_s.round(6).tolist(), **arrays)


def _numbers(values: NDArray[np.float32]) -> list[float | None]:
    rounded: list[float] = values.astype("float64").round(4).tolist()
    return [None if isnan(value) else value for value in rounded]
