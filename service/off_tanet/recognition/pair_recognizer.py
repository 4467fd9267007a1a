"""Recognition of a pair of crops: its flow, the class of the flow, and whether to name it."""

from __future__ import annotations

from dataclasses import fields

from off_tanet.limits import Thresholds
from off_tanet.recognition import quality
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.decision import decide
from off_tanet.recognition.expressiveness import expression_probability
from off_tanet.recognition.motion.head_motion import measure_strengths
from off_tanet.recognition.motion.stabilization import ExpressionFlow, expression_flow
from off_tanet.recognition.pair import CropPair
from off_tanet.recognition.quality import Evidence
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.types import Alternative, ModelName, Motion, Prediction, Quality


class PairRecognizer:
    """Recognises the expression between two crops.

    Args:
        classifier: The model.
        thresholds: The values from which on a warning applies, or a label ends.
    """

    def __init__(self, classifier: Classifier, thresholds: Thresholds) -> None:
        self._classifier = classifier
        self._thresholds = thresholds

    def predict(
        self, pair: CropPair, stopwatch: Stopwatch, motion: Motion | None = None
    ) -> Prediction:
        """Compute flow, probabilities and quality, and decide on a label.

        Args:
            pair: The crops, and the alternatives to them.
            stopwatch: Measures the stages `flow`, `inference` and `quality`.
            motion: The motion curve of the clip, if there is one.

        Returns:
            The prediction, with all times of the stopwatch.
        """
        alternatives = tuple(
            _alternative(self.predict(other, stopwatch)) for other in pair.alternatives
        )
        with stopwatch.stage("flow"):
            measured = expression_flow(*pair.crops, pair.shape)
        with stopwatch.stage("inference"):
            classification = self._classifier.classify(measured.flow)
        card = self._classifier.card
        shares = map(float, classification.probabilities)
        probabilities = dict(zip(card.classes, shares, strict=True))
        with stopwatch.stage("quality"):
            evidence = _evidence(pair, measured)
            warnings = quality.warnings(evidence, self._thresholds)
            expressive = expression_probability(evidence, probabilities, self._thresholds)
            label, reason = decide(evidence, warnings, probabilities, expressive, self._thresholds)
        return Prediction(
            model=ModelName(card.name, card.version),
            label=label,
            reason=reason,
            probabilities=probabilities,
            expression_probability=expressive,
            onset=pair.onset,
            apex=pair.apex,
            classified=pair.classified or pair.apex,
            face=pair.faces[0] if pair.faces else None,
            quality=Quality(evidence.motion_px, evidence.head_motion_px, warnings),
            flow=measured.flow,
            attention=classification.attention,
            onset_crop=pair.crops[0],
            apex_crop=pair.crops[1],
            motion=motion,
            signals=pair.signals,
            timings_ms=stopwatch.milliseconds(),
            alternatives=alternatives,
        )


def _evidence(pair: CropPair, measured: ExpressionFlow) -> Evidence:
    observed = pair.warnings
    if pair.different_scenes:
        # The other warnings describe one scene, and have no meaning for two.
        observed = frozenset({"cut"}) | (observed & {"damaged_image"})
    strengths = measure_strengths(measured.flow)
    return Evidence(
        motion_px=strengths.expression,
        head_motion_px=(pair.aligned + measured.head).magnitude_px,
        lids_px=strengths.lids,
        beyond_lids_px=strengths.beyond_lids,
        seconds=pair.apex.time_s - pair.onset.time_s,
        different_scenes=pair.different_scenes,
        turn_deg=pair.turn_deg,
        faces=pair.faces,
        weak_apex=pair.weak_apex,
        unmatched_light=measured.matched.unmatched,
        clipped_share=measured.matched.clipped,
        brightness=min(float(crop.mean()) for crop in pair.crops),
        surroundings=pair.surroundings,
        observed=observed,
    )


def _alternative(prediction: Prediction) -> Alternative:
    names = (field.name for field in fields(Alternative))
    return Alternative(**{name: getattr(prediction, name) for name in names})
