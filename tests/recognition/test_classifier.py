"""The classifier: the inputs it refuses, its outputs, and the metadata that a model needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from off_tanet.errors import ModelError
from off_tanet.recognition.classifier import Classifier
from off_tanet.types import CLASSES
from off_tanet_export.synthesis.action_units import displacement

from tests.support.paths import ROOT

ASSET = ROOT / "service/off_tanet/assets/off_tanet.onnx"
METADATA = {
    "name": "fake",
    "version": "1",
    "classes": json.dumps(CLASSES),
    "input": "flow",
    "parameters": "59403",
    "licence": "Apache-2.0",
    "training_data": "none",
    "scores": '{"dev": {"uf1": 0.5}}',
    "preprocessing": '{"strain": "infinitesimal"}',
}


@dataclass(frozen=True)
class Meta:
    custom_metadata_map: Mapping[str, str]


@dataclass
class FakeSession:
    """Answers every flow alike, and records its input."""

    answer: Sequence[float] = (0.2, 0.3, 0.5)
    expressive: float | None = None
    metadata: Mapping[str, str] = field(default_factory=METADATA.copy)
    fed: list[NDArray[Any]] = field(default_factory=list)

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, NDArray[Any]],
    ) -> list[NDArray[Any]]:
        assert output_names is not None
        extra = [] if self.expressive is None else ["expressive"]
        assert list(output_names) == ["probabilities", "attention", *extra]
        flows = input_feed["flow"]
        self.fed.append(flows)
        probabilities = np.tile(np.array(self.answer, np.float32), (len(flows), 1))
        outputs = [probabilities, np.full((len(flows), 14, 14), 0.5, np.float32)]
        if self.expressive is not None:
            outputs.append(np.full(len(flows), self.expressive, np.float32))
        return outputs

    def get_modelmeta(self) -> Meta:
        return Meta(self.metadata)


def classifier(session: FakeSession) -> Classifier:
    return Classifier("fake.onnx", opener=lambda _path, _threads: session)


def flows(count: int = 1, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 2, 112, 112)).astype(np.float32)


def test_the_session_gets_the_flow_and_the_threads() -> None:
    """One batch axis more, nothing else changed, and the requested number of threads."""
    session, opened = FakeSession(), []

    def opener(path: Path | str, threads: int) -> FakeSession:
        opened.append((path, threads))
        return session

    flow = flows()[0]
    answer = Classifier("some.onnx", threads=3, opener=opener).classify(flow)
    assert opened == [("some.onnx", 3)]
    np.testing.assert_array_equal(session.fed[-1], flow[None])
    np.testing.assert_allclose(answer.probabilities, [0.2, 0.3, 0.5], atol=1e-6)
    assert answer.attention.shape == (14, 14)


def test_probabilities_sum_to_one_in_double_precision() -> None:
    """The contract says 1e-6, which three float32 can miss."""
    answer = classifier(FakeSession(answer=(0.2, 0.3, 0.500004))).classify(flows()[0])
    assert answer.probabilities.dtype == np.float64
    assert abs(answer.probabilities.sum() - 1) < 1e-12


def test_a_model_says_whether_there_is_an_expression_if_it_can() -> None:
    """Files from before there was such an output keep working; new ones announce it."""
    assert classifier(FakeSession()).classify(flows()[0]).expressive is None
    able = FakeSession(expressive=0.25, metadata=METADATA | {"expressive_parameters": "7"})
    made = classifier(able)
    assert made.card.expressive_parameters == 7
    assert [one.expressive for one in made.classify_batch(flows(2))] == [0.25, 0.25]


def test_a_model_that_cannot_say_it_for_stillness_is_refused() -> None:
    """As for the classes, it is tried when it is opened."""
    metadata = METADATA | {"expressive_parameters": "7"}
    with pytest.raises(ModelError, match="does not turn flow into probabilities"):
        classifier(FakeSession(expressive=np.nan, metadata=metadata))


def test_a_batch_is_answered_in_one_run() -> None:
    """Single runs would cost a runtime call each."""
    session = FakeSession()
    answers = classifier(session).classify_batch(flows(4))
    assert len(answers) == 4
    assert len(session.fed[-1]) == 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((2, 112, 112), np.float64), "float64 instead of float32"),
        (np.zeros((3, 112, 112), np.float32), "shape"),
        (np.zeros((2, 112, 111), np.float32), "shape"),
        (np.zeros((112, 112), np.float32), "shape"),
        (np.full((2, 112, 112), np.nan, np.float32), "not finite"),
        (np.full((2, 112, 112), np.inf, np.float32), "not finite"),
    ],
)
def test_invalid_flow_is_refused(wrong: NDArray[Any], message: str) -> None:
    """Clients send any flow to `/v2`: an invalid one must not become a plausible number."""
    with pytest.raises(ValueError, match=message):
        classifier(FakeSession()).classify(wrong)


def test_an_empty_batch_is_refused() -> None:
    """The graph has no answer for it, and runtimes differ."""
    with pytest.raises(ValueError, match="shape"):
        classifier(FakeSession()).classify_batch(flows(0))


@pytest.mark.parametrize("key", METADATA)
def test_a_model_without_complete_metadata_is_refused(key: str) -> None:
    """`GET /v1/model` returns every part of it."""
    lacking = {name: value for name, value in METADATA.items() if name != key}
    with pytest.raises(ModelError, match=r"fake\.onnx has no metadata"):
        classifier(FakeSession(metadata=lacking))


@pytest.mark.parametrize(("key", "value"), [("parameters", "many"), ("scores", "{")])
def test_unreadable_metadata_is_refused(key: str, value: str) -> None:
    """A file of another tool may use the same names."""
    with pytest.raises(ModelError, match="metadata"):
        classifier(FakeSession(metadata={**METADATA, key: value}))


@pytest.mark.parametrize(
    "names",
    [("fear", "joy"), ("a", "b", "c", "d"), CLASSES[::-1], ("Lächeln", "惊讶", "AU 4 (7+)", "x-1")],
)
def test_a_model_has_the_classes_that_its_card_names(names: tuple[str, ...]) -> None:
    metadata = {**METADATA, "classes": json.dumps(names)}
    session = FakeSession([1 / len(names)] * len(names), metadata=metadata)
    assert classifier(session).card.classes == names


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("joy",),
        ("joy", "joy"),
        ("joy", ""),
        ("a.b", "c"),
        (" joy", "c"),
        ("=1+1", "c"),
        ("a\n", "c"),
        ("a" * 65, "c"),
    ],
)
def test_names_that_do_not_tell_classes_apart_are_refused(names: tuple[str, ...]) -> None:
    """They are the keys of the probabilities, and columns of tables."""
    with pytest.raises(ModelError, match="does not name each class once"):
        classifier(FakeSession(metadata={**METADATA, "classes": json.dumps(names)}))


def test_more_names_than_probabilities_are_refused() -> None:
    four = {**METADATA, "classes": json.dumps([*CLASSES, "contempt"])}
    with pytest.raises(ModelError, match="does not turn flow into probabilities"):
        classifier(FakeSession(metadata=four))


def test_a_model_that_answers_nonsense_to_stillness_is_refused() -> None:
    """It is tried when it is opened, not by the first user."""
    with pytest.raises(ModelError, match="does not turn flow into probabilities"):
        classifier(FakeSession(answer=(np.nan, 0, 1)))


def test_files_that_are_not_models_are_refused(tmp_path: Path) -> None:
    """A mistyped path, and a file of another kind, through the real runtime."""
    (tmp_path / "text.onnx").write_text("words")
    for name in ("absent.onnx", "text.onnx"):
        with pytest.raises(ModelError, match=name):
            Classifier(tmp_path / name)
    with pytest.raises(ModelError, match="metadata"):
        Classifier(ASSET.parent / "face/mesh.onnx")


@pytest.fixture(scope="module")
def shipped() -> Classifier:
    return Classifier(ASSET)


def test_the_shipped_model_has_a_card(shipped: Classifier) -> None:
    """All that the service says about its model comes from the file."""
    card = shipped.card
    assert card.name == "off-tanet"
    assert card.classes == CLASSES
    assert card.parameters == 59_403
    assert card.licence == "Apache-2.0"
    assert card.preprocessing["strain"] == "infinitesimal"
    assert card.preprocessing["temperature"] > 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), exponent=st.integers(-6, 2))
def test_every_answer_is_a_distribution(shipped: Classifier, seed: int, exponent: int) -> None:
    """Finite and of sum 1 for motion of any strength, attention in 0..1."""
    answer = shipped.classify(flows(seed=seed)[0] * np.float32(10.0**exponent))
    assert np.isfinite(answer.probabilities).all()
    assert (answer.probabilities >= 0).all()
    assert abs(answer.probabilities.sum() - 1) < 1e-6
    assert answer.attention.shape == (14, 14)
    assert 0 <= answer.attention.min() <= answer.attention.max() <= 1


EXPRESSIONS = {
    "negative": ({"AU4": 1.0}, slice(0, 6)),
    "positive": ({"AU6": 0.6, "AU12": 1.0}, slice(5, 12)),
    "surprise": ({"AU1": 1.0, "AU2": 1.0}, slice(0, 6)),
}
"""Plain expressions, and the rows of the attention in which they move the face."""


@pytest.mark.parametrize("label", EXPRESSIONS)
@pytest.mark.parametrize("pixels", [0.3, 1.0, 3.0])
def test_plain_expressions_are_classified_correctly(
    shipped: Classifier, label: str, pixels: float
) -> None:
    """A swapped axis, sign or class order between flow and model would show here first."""
    units, rows = EXPRESSIONS[label]
    field = displacement(units, 112)
    answer = shipped.classify(pixels * field / np.abs(field).max())
    assert CLASSES[answer.probabilities.argmax()] == label
    peak = np.unravel_index(answer.attention.argmax(), answer.attention.shape)
    assert peak[0] in range(14)[rows]


@pytest.mark.parametrize("label", EXPRESSIONS)
def test_plain_expressions_are_seen_and_stillness_is_none(shipped: Classifier, label: str) -> None:
    """Whether there is an expression depends on how far the face moves."""
    field = displacement(EXPRESSIONS[label][0], 112)
    field /= np.abs(field).max()
    strengths = (0, 0.1, 0.5, 2)
    seen = [shipped.classify(np.float32(pixels) * field).expressive or 0 for pixels in strengths]
    assert seen[0] < 0.2
    assert seen[-1] > 0.9
    assert seen == sorted(seen)


def test_extreme_motion_is_refused(shipped: Classifier) -> None:
    """Its strain overflows; NaN must not be returned as an answer."""
    with pytest.raises(ValueError, match="too large"):
        shipped.classify(flows()[0] * np.float32(1e30))


def test_a_batch_is_answered_like_each_flow(shipped: Classifier) -> None:
    """Two requests at once get the answers that each would get alone."""
    batch = flows(5)
    for together, flow in zip(shipped.classify_batch(batch), batch, strict=True):
        alone = shipped.classify(flow)
        np.testing.assert_allclose(together.probabilities, alone.probabilities, atol=1e-5)
        np.testing.assert_allclose(together.attention, alone.attention, atol=1e-5)
