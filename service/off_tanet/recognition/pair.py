"""Pairs of crops: cut from two images or spotted in a clip, and recognised.

A pair is recognised by its flow, the classification of the flow, and the quality of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from off_tanet.errors import NoFaceError
from off_tanet.limits import Thresholds
from off_tanet.recognition import quality
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.face import detector as faces
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.visibility import VisibilityMonitor
from off_tanet.recognition.flow import light
from off_tanet.recognition.flow.light import Matched
from off_tanet.recognition.motion import head_motion
from off_tanet.recognition.spotting.clip import is_cut, spot
from off_tanet.recognition.spotting.scenes import TrackedClip
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.types import (
    Crop,
    Face,
    Flow,
    ModelName,
    Moment,
    Motion,
    Pixels,
    Prediction,
    Progress,
    Quality,
)


@dataclass(frozen=True, slots=True, eq=False)
class CropPair:
    """Two crops that are to be classified.

    Attributes:
        onset: Index and time of the onset.
        apex: Index and time of the apex.
        crops: The crops [112, 112] of onset and apex, cut with one transform.
        faces: The faces on the onset, the largest first; empty without detection.
        warnings: Warnings of `quality.OBSERVED` that apply.
        weak_apex: Whether no peak of the motion curve stands out.
    """

    onset: Moment
    apex: Moment
    crops: tuple[Crop, Crop]
    faces: tuple[Face, ...] = ()
    warnings: frozenset[str] = frozenset()
    weak_apex: bool = False


def crop_pair(onset: Pixels, apex: Pixels, detector: FaceDetector | None) -> CropPair:
    """Crop two images with the transform of the largest face on the onset.

    Args:
        onset: The image at the onset, [H, W, 3].
        apex: The image at the apex, [H, W, 3].
        detector: Detects the face; None takes both images for face crops.

    Returns:
        The crops.

    Raises:
        NoFaceError: If no face is detected on the onset.
    """
    moments = Moment(0, 0.0), Moment(1, 0.0)
    if detector is None:
        return CropPair(*moments, (faces.whole(onset), faces.whole(apex)))
    found = detector.detect(onset)
    if not found:
        raise NoFaceError("No face was found on the onset frame.")
    where = faces.align(found[0])
    crops = faces.crop(onset, where), faces.crop(apex, where)
    visibility, marks = VisibilityMonitor(), faces.transformed(found[0], where)
    warnings = [visibility.update(crop, marks, refreshed=True) for crop in crops]
    return CropPair(*moments, crops, found, frozenset().union(*warnings))


def spot_pair(
    clip: TrackedClip, onset_index: int | None, apex_index: int | None, progress: Progress | None
) -> tuple[CropPair, Motion]:
    """Find onset and apex in a clip, as far as they are not given.

    Args:
        clip: The tracked frames.
        onset_index: The index of the onset, if known.
        apex_index: The index of the apex, if known.
        progress: Called after each frame in the stage `spotting`.

    Returns:
        The crops of onset and apex, and the motion curve over all frames of the clip.

    Raises:
        OffTanetError: As `TrackedClip.search_range`.
    """
    searched = clip.search_range(onset_index, apex_index)
    start, stop = searched.start, searched.stop
    spotted = spot(
        clip.crops(searched),
        clip.times_s[start:stop],
        onset=None if onset_index is None else 0,
        apex=None if apex_index is None else apex_index - start,
        progress=progress,
    )
    strength_px = np.zeros(len(clip.frames), np.float32)
    strength_px[start:stop] = spotted.strength_px
    onset, apex = start + spotted.onset, start + spotted.apex
    pair = CropPair(
        onset=clip.moment(onset),
        apex=clip.moment(apex),
        crops=(clip.crop(onset), clip.crop(apex)),
        faces=clip.frames[onset].faces,
        warnings=clip.warnings(onset, apex),
        weak_apex=spotted.weak and apex_index is None,
    )
    return pair, Motion(strength_px, clip.times_s, stop)


class PairRecognizer:
    """Recognises the expression between two crops.

    Args:
        classifier: The model.
        thresholds: The values from which on a warning applies.
    """

    def __init__(self, classifier: Classifier, thresholds: Thresholds) -> None:
        self._classifier = classifier
        self._thresholds = thresholds

    def predict(
        self, pair: CropPair, stopwatch: Stopwatch, motion: Motion | None = None
    ) -> Prediction:
        """Compute flow, probabilities and quality.

        Args:
            pair: The crops.
            stopwatch: Measures the stages `flow`, `inference` and `quality`.
            motion: The motion curve of the clip, if there is one.

        Returns:
            The prediction, with all times of the stopwatch.
        """
        with stopwatch.stage("flow"):
            matched = light.matched(*pair.crops)
            flow = matched.flow()
        with stopwatch.stage("inference"):
            classification = self._classifier.classify(flow)
        with stopwatch.stage("quality"):
            assessed = self._assess(pair, matched, flow)
        card = self._classifier.card
        shares = map(float, classification.probabilities)
        probabilities = dict(zip(card.classes, shares, strict=True))
        return Prediction(
            model=ModelName(card.name, card.version),
            label=max(probabilities, key=probabilities.__getitem__),
            probabilities=probabilities,
            onset=pair.onset,
            apex=pair.apex,
            face=pair.faces[0] if pair.faces else None,
            quality=assessed,
            flow=flow,
            attention=classification.attention,
            onset_crop=pair.crops[0],
            apex_crop=pair.crops[1],
            motion=motion,
            timings_ms=stopwatch.milliseconds(),
        )

    def _assess(self, pair: CropPair, matched: Matched, flow: Flow) -> Quality:
        observed = pair.warnings
        if is_cut(*pair.crops):
            # The other warnings describe one scene, and have no meaning for two.
            observed = frozenset({"cut"}) | (observed & {"damaged_image"})
        evidence = quality.Evidence(
            motion_px=head_motion.strength(flow),
            head_motion_px=head_motion.head_motion(flow).magnitude_px,
            faces=pair.faces,
            weak_apex=pair.weak_apex,
            unmatched_light=matched.unmatched,
            clipped_share=matched.clipped,
            observed=observed,
        )
        warnings = quality.warnings(evidence, self._thresholds)
        return Quality(evidence.motion_px, evidence.head_motion_px, warnings)
