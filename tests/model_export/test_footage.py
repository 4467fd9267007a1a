"""Footage: annotated priors, behaviours that are no expression, mouths, covers, and their flow."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from off_tanet.types import CLASSES
from off_tanet_export.synthesis import footage, prior_table, priors
from off_tanet_export.synthesis.behaviours import (
    HIDDEN_PX,
    STEEPEST,
    VISIBLE_PX,
    Behaviours,
    Kind,
    limited,
)
from off_tanet_export.synthesis.face_generator import draw
from off_tanet_export.synthesis.footage import GROUP, Footage, FootageConfig, render_footage
from off_tanet_export.synthesis.mouths import draw_mouth
from off_tanet_export.synthesis.occlusions import KINDS, draw_cover
from off_tanet_export.synthesis.rendering import Rendering, place_portrait

from tests.support.shared import shared

CALM = FootageConfig(stabilised=1.0)


def test_the_table_is_that_of_the_annotations(tmp_path: Path) -> None:
    """The table in the repository must be what its script makes of the counts."""
    output = tmp_path / "table.json"
    counts = shared("au_emotion_counts.csv")
    assert prior_table.main([str(counts), "--output", str(output)]) == 0
    assert json.loads(output.read_text()) == json.loads(prior_table.TABLE.read_text())


def test_counts_are_blended_and_shrunk(tmp_path: Path) -> None:
    """Two sources of equal size: the mean of their shares; rare combinations are left out."""
    path = tmp_path / "counts.csv"
    rows = ["a,4,negative,90,0", "a,12,positive,10,10", "a,1+2,surprise,10,0",
            "b,4,negative,90,0", "b,12,positive,10,0", "b,1+2,surprise,10,0",
            "b,99,negative,50,0", "b,4,others,50,0", "a,17,negative,3,0"]  # fmt: skip
    header = "source,action_units,class,clips,clips_with_a_one_sided_unit"
    path.write_text("\n".join([header, *rows]))
    made: list[Any] = [*prior_table.make_table(prior_table.read_counts(path))]
    table = {tuple(row["units"]): row for row in made}
    assert set(table) == {("AU4",), ("AU12",), ("AU1", "AU2")}
    assert table["AU12",]["one_sided"] == pytest.approx((10 + 1) / (20 + 10), abs=1e-3)
    shares = np.array(table["AU12",]["shares"])
    assert shares[1] == pytest.approx(1 - (1 - 1 / 3) / 21, abs=1e-4)
    assert shares[0] == shares[2] == pytest.approx(1 / 3 / 21, abs=1e-4)


@pytest.mark.parametrize("source", [priors.annotated, priors.anatomical])
def test_classes_are_equally_frequent_and_labels_add_up(source: object) -> None:
    """Shares of each class sum to 1: a target is a probability if all are equally likely."""
    assert callable(source)
    made = source()
    shares = np.array([each.shares for each in made.combinations])
    np.testing.assert_allclose(shares.sum(0), 1, rtol=1e-9)
    for each in made.combinations:
        assert made.target(each.units).sum() == pytest.approx(1)


def test_labels_are_soft_where_annotations_disagree() -> None:
    """A brow lowerer alone was coded as surprise, too; a smile with cheeks is happy."""
    made = priors.annotated()
    assert 0.6 < made.target(("AU4",))[0] < 0.9
    assert made.target(("AU6", "AU12"))[1] > 0.9
    assert made.target(("AU1", "AU2"))[2] > 0.8
    assert made.target(("AU14",)).max() < 0.7


def test_a_class_is_drawn_by_its_shares() -> None:
    """Surprise is mostly raised brows; durations have the annotated median."""
    rng, made = np.random.default_rng(0), priors.annotated()
    drawn = [made.draw(rng, CLASSES.index("surprise")) for _ in range(400)]
    units = Counter(unit for each in drawn for unit in each.combination.units)
    assert units["AU2"] > 200 > units["AU4"]
    brief = [each.duration_s for each in drawn if not each.combination.posed]
    assert np.median(brief) == pytest.approx(0.196, rel=0.15)


def behaviours(seed: int = 0) -> Behaviours:
    return Behaviours(Rendering(seed, CALM.scene))


def test_what_is_hardly_visible_is_not_called_an_expression_for_certain() -> None:
    """Amplitudes reach below what can be seen; there, labels are soft or left out."""
    made, source = behaviours(), priors.annotated()
    rng = np.random.default_rng(1)
    labels = [made.expression(source.draw(rng, 0), True).expressive for _ in range(300)]
    seen = np.array(labels)
    assert np.isnan(seen).any()
    assert ((seen > 0) & (seen < 1)).any()
    assert (seen == 1).mean() > 0.6
    assert HIDDEN_PX < VISIBLE_PX


@pytest.mark.parametrize("kind", ["nothing", "blink", "speech", "chewing", "head", "light"])
def test_what_is_no_expression_has_no_class(kind: Kind) -> None:
    """It trains `expressive` alone."""
    made = behaviours().none(True, kind)
    assert made.expressive == 0
    assert not made.target.any()
    assert np.isfinite(made.muscles).all()


def test_a_head_alone_moves_more_than_muscles() -> None:
    """And speech moves the mouth, not the brows."""
    made = behaviours(3)
    heads = [made.none(True, "head") for _ in range(10)]
    assert np.mean([np.abs(each.head).max() for each in heads]) > 1
    speech = [made.none(True, "speech") for _ in range(20)]
    low, high = (np.mean([np.abs(s.muscles[:, rows]).mean() for s in speech])
                 for rows in (slice(40, 60), slice(12, 20)))  # fmt: skip
    assert low > 3 * high


def test_skin_does_not_fold() -> None:
    """A large amplitude of a narrow unit is limited by its steepness."""
    narrow = np.zeros((2, 66, 66), np.float32)
    narrow[1, 30, 30] = 1
    slopes = np.gradient(limited(narrow, 8.0), axis=(1, 2))
    assert max(np.abs(slope).max() for slope in slopes) * 44 / 112 == pytest.approx(STEEPEST)


def test_an_open_mouth_shows_its_cavity_and_moves_the_chin() -> None:
    """A warp alone would stretch the line between the lips."""
    rng = np.random.default_rng(0)
    face = draw(rng, 180)
    mouth = draw_mouth(rng, face, 0.12)
    _, down = mouth.jaw(180)
    assert 0.06 < down[160, 90] <= 0.12
    assert abs(down[60, 90]) < 0.002
    painted = mouth.paint(face)
    changed = np.abs(painted - face) > 5
    assert 50 < changed.sum() < 0.05 * changed.size
    assert not changed[:100].any()


@pytest.mark.parametrize("kind", KINDS)
def test_covers_hide_a_part_of_the_face(kind: str) -> None:
    """And move with the head."""
    face = place_portrait(150)
    cover = draw_cover(np.random.default_rng(2), 150, kind, 120.0)
    share = float((cover.opacity > 0.3).mean())
    assert 0.005 < share < 0.4
    moved = cover.moved(np.full((2, 150, 150), 3, np.float32))
    np.testing.assert_allclose(
        moved.opacity[50:100, 50:100], cover.opacity[47:97, 47:97], atol=0.05
    )
    assert (np.abs(cover.over(face) - face).max()) > 20


def test_equal_seeds_render_equal_footage() -> None:
    """Each face shows every class, and twice what is none."""
    first, again = (Footage(4, CALM).draw(GROUP) for _ in range(2))
    np.testing.assert_array_equal(first.flows, again.flows)
    assert first.flows.shape == (GROUP, 2, 28, 28)
    assert np.isfinite(first.flows).all()
    np.testing.assert_allclose(first.targets.sum(1), [1, 1, 1, 0, 0], atol=1e-6)
    assert (first.expressive[3:] == 0).all()


@pytest.mark.slow
def test_processes_do_not_change_footage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training can be repeated on a machine with more cores."""
    monkeypatch.setattr(footage, "CHUNK", 5)
    alone = render_footage(1, 12, CALM)
    assert len(alone.flows) == 12
    np.testing.assert_array_equal(alone.flows, render_footage(1, 12, CALM, processes=2).flows)
