"""Values that pass between the stages. All are immutable and state their shapes and units."""

from off_tanet.reasons import REASONS, Reason
from off_tanet.types.model import (
    CLASSES,
    Classification,
    ModelCard,
    ModelName,
    are_class_names,
)
from off_tanet.types.motion import Motion, Signals
from off_tanet.types.pictures import (
    CROP_SIZE,
    Attention,
    Crop,
    Face,
    Flow,
    Frame,
    Landmarks,
    Moment,
    Pixels,
    Similarity,
)
from off_tanet.types.prediction import Alternative, Prediction, Progress, Quality
from off_tanet.types.spotting import (
    Event,
    EventKind,
    Expression,
    ExpressionCallback,
    ExpressionKind,
    VideoSpotting,
)

__all__ = [
    "CLASSES",
    "CROP_SIZE",
    "REASONS",
    "Alternative",
    "Attention",
    "Classification",
    "Crop",
    "Event",
    "EventKind",
    "Expression",
    "ExpressionCallback",
    "ExpressionKind",
    "Face",
    "Flow",
    "Frame",
    "Landmarks",
    "ModelCard",
    "ModelName",
    "Moment",
    "Motion",
    "Pixels",
    "Prediction",
    "Progress",
    "Quality",
    "Reason",
    "Signals",
    "Similarity",
    "VideoSpotting",
    "are_class_names",
]
