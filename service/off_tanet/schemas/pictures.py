"""Bodies of responses: the arrays and pictures of a prediction."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, Field

from off_tanet import types

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ArraysBody(BaseModel):
    """Arrays as base64 of little-endian float32 in row-major order."""

    flow: str = Field(description="[2, 112, 112]: u and v from onset to apex, in pixels.")
    attention: str = Field(description="[14, 14]: each value in 0..1.")

    @classmethod
    def of(cls, flow: types.Flow, attention: types.Attention) -> Self:
        """Encode the arrays."""
        return cls(flow=_encode(flow), attention=_encode(attention))


class CropsBody(BaseModel):
    """The face crops that the model analysed, 112 x 112 grey pixels, as PNG data URIs."""

    onset: str
    apex: str


class ScalesBody(BaseModel):
    """What the legends of the pictures say, for pages that draw legends of their own."""

    flow_px: float = Field(
        description="Length of full colour in `flow` and of the longest arrow in `arrows`, in "
        "pixels at 112 x 112."
    )
    strain: float = Field(description="Brightest colour of `strain`, as a fraction.")


def _encode(values: NDArray[np.float32]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")
