"""Recognition of pairs of crops: other candidates of a clip are recognised like the first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from off_tanet.client import responses
from off_tanet.configuration import ASSETS
from off_tanet.limits import Thresholds
from off_tanet.recognition.classifier import Classifier
from off_tanet.recognition.pair import CropPair
from off_tanet.recognition.pair_recognizer import PairRecognizer
from off_tanet.recognition.stopwatch import Stopwatch
from off_tanet.schemas.pictures import ArraysBody, CropsBody
from off_tanet.schemas.prediction import PredictionBody
from off_tanet.types import Moment, Prediction
from off_tanet.visualization import crop_png, data_uri

from tests.support import face_motion

STILL = face_motion.face_crop()
SMILE = CropPair(
    Moment(0, 0.0), Moment(10, 0.2), (STILL, face_motion.face_crop(face_motion.smile(1)))
)
REST = CropPair(Moment(12, 0.24), Moment(15, 0.3), (STILL, STILL))


@pytest.fixture(scope="module")
def prediction() -> Prediction:
    """A still pair with two alternatives."""
    pairs = PairRecognizer(Classifier(ASSETS / "off_tanet.onnx"), Thresholds())
    return pairs.predict(replace(REST, alternatives=(SMILE, REST)), Stopwatch())


def test_alternatives_have_their_own_answers(prediction: Prediction) -> None:
    smile, rest = prediction.alternatives
    assert (prediction.label, prediction.reason) == (rest.label, rest.reason) == (None, "no_motion")
    assert (smile.label, smile.reason) == ("positive", None)
    assert smile.expression_probability > 0.9 > 0.5 > rest.expression_probability
    assert (smile.onset, smile.apex) == (SMILE.onset, SMILE.apex)
    assert sum(smile.probabilities.values()) == pytest.approx(1)


def test_alternatives_pass_through_the_api_and_the_client(prediction: Prediction) -> None:
    crops = CropsBody(
        onset=data_uri(crop_png(prediction.onset_crop)),
        apex=data_uri(crop_png(prediction.apex_crop)),
    )
    arrays = ArraysBody.of(prediction.flow, prediction.attention)
    body = PredictionBody.of(prediction, {"crops": crops, "arrays": arrays})
    there = responses.prediction(body.model_dump_json(exclude_unset=True))
    assert (there.label, there.reason) == (prediction.label, prediction.reason)
    for sent, received in zip(prediction.alternatives, there.alternatives, strict=True):
        rounded = round(sent.expression_probability, 4)
        assert replace(sent, expression_probability=rounded) == received


def test_without_alternatives_the_api_sends_none(prediction: Prediction) -> None:
    body = PredictionBody.of(replace(prediction, alternatives=()), {})
    assert "alternatives" not in body.model_dump_json(exclude_unset=True)
