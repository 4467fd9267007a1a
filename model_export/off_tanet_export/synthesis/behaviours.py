"""What a face does between two frames: an expression, or something that is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from off_tanet.types import CLASSES, CROP_SIZE

from off_tanet_export.synthesis.action_units import (
    ALL_UNITS,
    Field,
    GaussianBump,
    render,
    scaled,
)
from off_tanet_export.synthesis.face_generator import Grey
from off_tanet_export.synthesis.mouths import LARGEST_OPENING, OPENERS, Mouth, draw_mouth
from off_tanet_export.synthesis.priors import Drawn
from off_tanet_export.synthesis.rendering import FIELD_MARGIN, FIELD_SIZE, Rendering

Kind = Literal["nothing", "blink", "speech", "chewing", "head", "light"]

KINDS: dict[Kind, float] = {
    "nothing": 0.15, "blink": 0.15, "speech": 0.3, "chewing": 0.1, "head": 0.2, "light": 0.1,
}  # fmt: skip
"""What is no expression, and how often it is drawn."""

SPOKEN = ("AU10", "AU15", "AU16", "AU17", "AU18", "AU20", "AU23", "AU24")
"""Units of speech, beside those that open the mouth."""

MICRO_PX, POSED_PX = (0.1, 3.0), (0.5, 8.0)
"""Largest motion of muscles at the apex, in pixels at 112 x 112."""

HIDDEN_PX, VISIBLE_PX = 0.15, 0.3
"""Whether there is an expression is left open below the first, and certain from the second on."""

STEEPEST = 0.8
"""Largest derivative of a motion: at 1, skin would fold."""

BLINKS_PER_S = 0.4
HEAD_PX = (0.05, 1.5)
TURN_PX = (0.3, 8.0)


@dataclass(frozen=True, slots=True, eq=False)
class Behaviour:
    """What happens between two frames. Motions are in pixels at 112 x 112.

    Attributes:
        muscles: The motion of muscles, lids and eyes, [2, 66, 66].
        head: The motion of the head, [2, 66, 66].
        opening: How far the mouth opens.
        light: Relative change of light.
        reversed: Whether it ends with the first of the rendered pictures.
        target: Probability of each class [3]; zeros if there is no expression.
        expressive: Whether there is one, 0 to 1; NaN if it is hardly visible.
        stabilised: Whether flow is measured as the service does.
    """

    muscles: Field
    head: Field
    opening: float
    light: float
    reversed: bool
    target: NDArray[np.float64]
    expressive: float
    stabilised: bool

    def mouth(self, rng: np.random.Generator, face: Grey) -> Mouth | None:
        """Draw the mouth of a face that opens, if it does."""
        return draw_mouth(rng, face, self.opening / CROP_SIZE) if self.opening else None


class Behaviours:
    """Draws behaviours.

    Args:
        rendering: Draws the variation of units and the motion of heads.
    """

    def __init__(self, rendering: Rendering) -> None:
        self.rendering = rendering
        self.synthesis = rendering.synthesis
        self.rng = rendering.rng

    def expression(self, drawn: Drawn, stabilised: bool) -> Behaviour:
        """Draw the motion of an expression."""
        rng, combination = self.rng, drawn.combination
        amplitude = self._log_uniform(*(POSED_PX if combination.posed else MICRO_PX))
        one_sided = bool(rng.random() < combination.one_sided)
        strengths = {unit: self.synthesis.lognormal(0.35) for unit in combination.units}
        if rng.random() < 0.4:
            foreign = str(rng.choice([*ALL_UNITS]))
            if foreign not in strengths and foreign not in OPENERS:
                strengths[foreign] = rng.uniform(0, 0.25)
        field, opening = self._muscles(strengths, amplitude, one_sided)
        peak = max(float(np.hypot(*field).max()), opening)
        expressive = float(np.clip((peak - HIDDEN_PX) / (VISIBLE_PX - HIDDEN_PX), 0, 1))
        return Behaviour(
            muscles=field + self._lids_and_eyes(drawn.duration_s),
            head=self._head(drawn.duration_s, stabilised),
            opening=opening,
            light=0.0,
            reversed=False,
            target=drawn.target,
            expressive=expressive if peak >= HIDDEN_PX else np.nan,
            stabilised=stabilised,
        )

    def none(self, stabilised: bool, kind: Kind | None = None) -> Behaviour:
        """Draw a behaviour that is no expression, of a given or a random kind."""
        rng = self.rng
        if kind is None:
            kind = get_args(Kind)[int(rng.choice(len(KINDS), p=[*KINDS.values()]))]
        duration = self._log_uniform(0.05, 1.0)
        field, opening = render([], FIELD_SIZE, FIELD_MARGIN), 0.0
        if kind == "speech":
            field, opening = self._speech()
        if kind == "chewing":
            field, opening = self._chewing()
        if kind == "blink":
            field = self._lids(self._log_uniform(0.5, 5.0))
        still = Behaviour(
            muscles=field + self._lids_and_eyes(duration),
            head=self._head(duration, stabilised),
            opening=opening,
            light=rng.uniform(0.03, 0.2) if kind == "light" else 0.0,
            reversed=bool(rng.random() < 0.5),
            target=np.zeros(len(CLASSES)),
            expressive=0.0,
            stabilised=stabilised,
        )
        if kind == "head":
            return replace(still, head=self.rendering.head(self._log_uniform(*TURN_PX)))
        return still

    def _muscles(
        self, strengths: dict[str, float], amplitude: float, one_sided: bool
    ) -> tuple[Field, float]:
        """Draw the motion of units, and how far the mouth opens, in pixels."""
        left, right = 1.0, self.synthesis.lognormal(0.2)
        if one_sided:
            left, right = (1.0, 0.0) if self.rng.random() < 0.5 else (0.0, 1.0)
        bumps: list[GaussianBump] = []
        for unit, strength in strengths.items():
            if unit in OPENERS:
                continue
            for bump in ALL_UNITS[unit]:
                varied = self.synthesis.varied(bump)
                sides = scaled(varied, left * strength), scaled(varied.mirrored(), right * strength)
                bumps += sides
        opened = [OPENERS[unit] * strengths[unit] for unit in strengths if unit in OPENERS]
        opening = amplitude * max(opened, default=0.0)
        field = self.synthesis.ragged(render(bumps, FIELD_SIZE, FIELD_MARGIN))
        return limited(field, amplitude), min(opening, LARGEST_OPENING * CROP_SIZE)

    def _speech(self) -> tuple[Field, float]:
        """Draw lips and jaw that move in any direction."""
        rng, amplitude = self.rng, self._log_uniform(0.2, 5.0)
        units = rng.choice(SPOKEN, int(rng.integers(1, 4)), replace=False)
        strengths = {str(unit): float(rng.normal(0, 0.7)) for unit in units}
        if rng.random() < 0.8:
            strengths[str(rng.choice([*OPENERS], p=[0.6, 0.37, 0.03]))] = rng.uniform(0.1, 1.5)
        return self._muscles(strengths, amplitude, one_sided=bool(rng.random() < 0.1))

    def _chewing(self) -> tuple[Field, float]:
        """Draw a jaw that moves down and to a side behind closed lips, and full cheeks."""
        rng = self.rng
        side, down = rng.normal(0, 0.6), rng.uniform(-0.3, 1)
        bumps = [self.synthesis.varied(GaussianBump(0.5, 0.92, 0.2, 0.13, side, down))]
        for x in (0.2, 0.8):
            du, dv = rng.normal(0, 0.4, 2)
            bumps.append(self.synthesis.varied(GaussianBump(x, 0.68, 0.1, 0.12, du, dv)))
        field = render(bumps, FIELD_SIZE, FIELD_MARGIN)
        return limited(field, self._log_uniform(0.3, 4.0)), 0.0

    def _lids_and_eyes(self, duration_s: float) -> Field:
        """Draw the motion of a blink that falls into the time between, and of a gaze."""
        rng = self.rng
        field = render(self.rendering.gaze(), FIELD_SIZE, FIELD_MARGIN)
        if rng.random() < BLINKS_PER_S * (duration_s + 0.3):
            field = field + self._lids(rng.uniform(-4, 4))
        return field

    def _lids(self, strength: float) -> Field:
        return render(self.synthesis.sides("AU45", strength), FIELD_SIZE, FIELD_MARGIN)

    def _head(self, duration_s: float, stabilised: bool) -> Field:
        """Draw a head's motion: larger where it will be taken out, and in a longer time."""
        if not stabilised:
            return self.rendering.head(abs(self.rng.normal(0, self.rendering.scene.head)))
        return self.rendering.head(self._log_uniform(*HEAD_PX) * (duration_s / 0.2) ** 0.5)

    def _log_uniform(self, low: float, high: float) -> float:
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))


def limited(field: Field, amplitude: float) -> Field:
    """Scale a motion to an amplitude, or to less where skin would fold."""
    peak = float(np.hypot(*field).max())
    if peak == 0:
        return field
    steepest = max(float(np.abs(slope).max()) for slope in np.gradient(field, axis=(1, 2)))
    per_pixel = steepest * FIELD_SIZE / CROP_SIZE
    return np.asarray(field * min(amplitude / peak, STEEPEST / per_pixel), np.float32)
