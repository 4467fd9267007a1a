"""What the graph computes between flow and network: formulas, symmetries, and still faces."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from off_tanet_export.graph import (
    PUBLISHED,
    FlowClassifier,
    PreprocessingConfig,
    bicubic_matrix,
    mirror,
    quantile,
    robust_scale,
    strength,
)
from torch import Tensor, nn

from tests.model_export import examples
from tests.support.shared import shared

OURS = FlowClassifier(examples.network(), PreprocessingConfig()).eval()
THEIRS = FlowClassifier(examples.network(), PUBLISHED).eval()


def flow(seed: int, count: int = 1) -> Tensor:
    """Smooth random flow [count, 2, 112, 112] of about a pixel."""
    coarse = torch.randn(count, 2, 7, 7, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(coarse, (112, 112), mode="bicubic")


def linear(ux: float = 0, uy: float = 0, vx: float = 0, vy: float = 0) -> Tensor:
    """Flow [1, 2, 112, 112] with these derivatives everywhere."""
    y, x = torch.meshgrid(torch.arange(112.0), torch.arange(112.0), indexing="ij")
    return torch.stack([ux * x + uy * y, vx * x + vy * y])[None]


@pytest.mark.parametrize(
    ("derivatives", "infinitesimal", "published"),
    [
        ({"ux": 0.1}, 0.1, 0.1),
        ({"vy": 0.1}, 0.1, 0.0),
        ({"uy": 0.1}, 0.1 * 0.5**0.5, 0.1 * 1.5**0.5),
        ({"uy": 0.1, "vx": -0.1}, 0.0, 0.1),
        ({"uy": 0.1, "vx": 0.1}, 0.1 * 2**0.5, 0.1 * 3**0.5),
    ],
)
def test_strain_follows_the_formula(
    derivatives: dict[str, float], infinitesimal: float, published: float
) -> None:
    """The published formula uses uy for vy. Unscaled Sobel derivatives are eight times too big."""
    for classifier, expected in ((OURS, infinitesimal), (THEIRS, published)):
        inside = classifier.strain(linear(**derivatives))[0, 0, 1:-1, 1:-1]
        assert inside.numpy() == pytest.approx(8 * expected, abs=1e-4)


def test_published_maps_equal_the_authors() -> None:
    """Raw scale, their strain and OpenCV's border: the input of their training, to rounding."""
    expected = torch.from_numpy(np.load(shared("off_tanet_2021/reference.npz"))["input"])
    torch.testing.assert_close(THEIRS.maps(expected[:, :2]), expected, rtol=0, atol=1e-5)


def test_maps_are_averaged_and_scaled() -> None:
    """MEGC2019's maps are 28 x 28 with each channel in 0..1: ours must look the same."""
    maps = FlowClassifier(examples.network(), PreprocessingConfig(scaling="range")).maps(flow(0))
    assert maps.shape == (1, 3, 28, 28)
    assert maps.amin((2, 3)).eq(0).all()
    assert maps.amax((2, 3)).eq(1).all()
    averaged = flow(0)[0, 0].reshape(28, 4, 28, 4).mean((1, 3))
    expected = (averaged - averaged.min()) / (averaged.max() - averaged.min())
    torch.testing.assert_close(maps[0, 0], expected)


def test_the_majority_of_places_sets_the_scale() -> None:
    """With min-max, one false match among 784 places leaves a third of the range for the face."""
    seen = flow(0)
    spoilt = seen.clone()
    spoilt[:, :, 40:44, 60:64] = 10 * seen.abs().amax()
    ranged = FlowClassifier(examples.network(), PreprocessingConfig(scaling="range"))
    left = {
        classifier.preprocessing.scaling: float(
            classifier.maps(spoilt)[:, :2].std() / classifier.maps(seen)[:, :2].std()
        )
        for classifier in (ranged, OURS)
    }
    assert left["range"] < 0.35
    assert left["robust"] > 0.7


def test_maps_keep_their_order_about_the_median() -> None:
    """Scaling may compress a strong motion, but never change a sign or an order."""
    plain = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    maps = robust_scale(plain)
    np.testing.assert_allclose(np.median(maps.flatten(2).numpy(), axis=2), 0.5, atol=1e-5)
    assert maps.flatten(2).argsort().equal(plain.flatten(2).argsort())
    assert 0 < maps.min() < maps.max() < 1


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9])
def test_quantiles_are_those_of_numpy(share: float) -> None:
    """They are the last of the largest values, because ONNX has no quantile."""
    values = torch.rand(2, 3, 50, generator=torch.Generator().manual_seed(1))
    expected = np.quantile(values.numpy(), share, axis=2, keepdims=True)
    np.testing.assert_allclose(quantile(values, share).numpy(), expected, atol=1e-6)


def test_bicubic_equals_pytorchs() -> None:
    """The resize is a matrix, so that it does not depend on a runtime's border rule."""
    image = torch.randn(1, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    matrix = bicubic_matrix(28, 112)
    expected = nn.functional.interpolate(image, (112, 112), mode="bicubic", align_corners=False)
    torch.testing.assert_close(matrix @ image @ matrix.T, expected, rtol=0, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_mirrored_faces_get_the_same_answer(seed: int) -> None:
    """An expression on the left is the same expression on the right."""
    seen = flow(seed)
    reflected = torch.cat([-seen[:, :1], seen[:, 1:]], 1).flip(3)
    torch.testing.assert_close(OURS.maps(reflected), mirror(OURS.maps(seen)), rtol=0, atol=1e-5)
    with torch.inference_mode():
        (left, attention), (right, mirrored) = OURS(seen), OURS(reflected)
    torch.testing.assert_close(left, right, rtol=0, atol=1e-5)
    torch.testing.assert_close(attention, mirrored.flip(2), rtol=0, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), amplitude=st.floats(0.01, 100))
def test_the_amplitude_does_not_matter(seed: int, amplitude: float) -> None:
    """A faint expression is classified like a strong one; the strength is reported separately."""
    with torch.inference_mode():
        probabilities, _ = OURS(flow(seed))
        scaled, _ = OURS(amplitude * flow(seed))
    torch.testing.assert_close(scaled, probabilities, rtol=0, atol=1e-3)


@pytest.mark.parametrize("classifier", [OURS, THEIRS], ids=["ours", "published"])
@pytest.mark.parametrize("value", [0.0, 1.0, 1e-12])
def test_motionless_faces_get_a_finite_answer(classifier: FlowClassifier, value: float) -> None:
    """Identical frames are valid input, and min-max would divide by zero."""
    with torch.inference_mode():
        probabilities, attention = classifier(torch.full((1, 2, 112, 112), value))
    assert probabilities.isfinite().all()
    assert probabilities.sum() == pytest.approx(1)
    assert attention.isfinite().all()


@pytest.mark.parametrize("classifier", [OURS, THEIRS], ids=["ours", "published"])
def test_answers_do_not_depend_on_the_batch(classifier: FlowClassifier) -> None:
    """The mirrored half is in the same batch: mixed-up halves would show here."""
    flows = flow(1, count=3)
    with torch.inference_mode():
        together = classifier(flows)
        alone = [classifier(one[None]) for one in flows]
    for output, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(output, torch.cat(parts), rtol=0, atol=1e-5)


@pytest.mark.parametrize("classifier", [OURS, THEIRS], ids=["ours", "published"])
def test_attention_spans_its_range(classifier: FlowClassifier) -> None:
    """Drawn without rescaling, it must show differences on every face."""
    with torch.inference_mode():
        _, attention = classifier(flow(2, count=3))
    assert attention.amin((1, 2)).eq(0).all()
    assert attention.amax((1, 2)).eq(1).all()


def expressive(flows: Tensor) -> Tensor:
    """What a random head makes of flows."""
    with torch.inference_mode():
        outputs: tuple[Tensor, ...] = examples.checkpoint(expressive=True).classifier()(flows)
    return outputs[-1]


def test_a_head_of_its_own_adds_an_output_and_changes_no_other() -> None:
    """The published network's outputs are as without it."""
    with torch.inference_mode():
        plain = examples.checkpoint().classifier()(flow(3, count=4))
        *same, answers = examples.checkpoint(expressive=True).classifier()(flow(3, count=4))
    assert all(torch.equal(a, b) for a, b in zip(plain, same, strict=True))
    assert answers.shape == (4,)
    assert ((answers > 0) & (answers < 1)).all()


def test_whether_there_is_an_expression_depends_on_strength() -> None:
    """Scaled maps of noise and of a smile differ in form only; how strong both are counts, too."""
    assert not torch.allclose(expressive(flow(3)), expressive(flow(3) / 50), atol=1e-3)
    assert expressive(torch.zeros(1, 2, 112, 112)).isfinite().all()


def test_strength_is_that_of_the_mirrored_face() -> None:
    """Upright and mirrored features share one measure."""
    mirrored = flow(4).flip(3) * torch.tensor([-1.0, 1.0])[:, None, None]
    torch.testing.assert_close(
        strength(OURS.measure(flow(4))), strength(OURS.measure(mirrored)), rtol=0, atol=1e-4
    )


def test_temperature_softens_and_keeps_the_order() -> None:
    """Calibration: a temperature above 1 lowers the confidence, but keeps the class."""
    warm = FlowClassifier(examples.network(), PreprocessingConfig(temperature=4.0)).eval()
    with torch.inference_mode():
        (cold, _), (soft, _) = OURS(flow(0)), warm(flow(0))
    assert soft.max() < cold.max()
    assert soft.argsort().tolist() == cold.argsort().tolist()


@pytest.mark.parametrize(
    "wrong",
    [
        {"strain": "other"},
        {"map_size": 27},
        {"map_size": 0},
        {"scaling": "other"},
        {"scaling": "none"},
        {"temperature": 0.0},
        {"temperature": float("inf")},
    ],
)
def test_invalid_recipes_are_refused(wrong: dict[str, object]) -> None:
    """They are read from a file's metadata; an error there must not become a wrong model."""
    with pytest.raises(ValueError, match=r"."):
        PreprocessingConfig(**wrong)  # type: ignore[arg-type]
