"""What the jobs of the API answer, as it passes from a worker to the server."""

from __future__ import annotations

from typing import Annotated, TypeAlias, get_args

import msgspec

from off_tanet.recognition.stopwatch import Stage
from off_tanet.schemas.oip import Reply

_MAX_MS = 1e9
_STAGES = get_args(Stage)

_StageName = Annotated[str, msgspec.Meta(pattern=rf"\A({'|'.join(_STAGES)})\Z")]
StagesMs: TypeAlias = Annotated[
    dict[_StageName, Annotated[float, msgspec.Meta(ge=0, le=_MAX_MS)]],
    msgspec.Meta(max_length=len(_STAGES)),
]
"""Milliseconds per stage. The names are restricted: the metrics have a time series for each."""


class Answer(msgspec.Struct, frozen=True):
    """The answer of a job that recognises expressions.

    Attributes:
        json: The JSON of a prediction, or of the expressions of a video.
        stages_ms: Milliseconds per stage, and their `total`.
    """

    json: bytes
    stages_ms: StagesMs


class InferenceAnswer(msgspec.Struct, frozen=True, tag=True):
    """The answer of an InferenceJob.

    Attributes:
        reply: The response of the Open Inference Protocol.
        stages_ms: Milliseconds per stage, and their `total`.
    """

    reply: Reply
    stages_ms: StagesMs
