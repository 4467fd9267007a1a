"""Synthetic faces with a known curve: onset, apex and offset, at any frame rate.

One still face (the public-domain portrait, varied from seed to seed) is moved along the fields of
action units while the head moves, lids blink, the light flickers and a camera adds its noise.
A scene is a description; `film` renders it frame by frame, so that a long one takes no memory.

Places are fractions of the canonical crop, motions pixels at 112 x 112, times seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.recognition.face.alignment import similarity
from off_tanet.recognition.face.cropping import crop
from off_tanet.types import CROP_SIZE, Crop, Pixels
from off_tanet_export.synthesis.action_units import MIXES, GaussianBump, render, scaled
from off_tanet_export.synthesis.generator import Nuisances, Synthesis

from tests.support import face_motion

Floats = NDArray[np.float32]

PICTURE = 240  # pixels a side of a frame
FACE = 160  # of these, a side of the canonical crop, in the middle
SCALE = FACE / CROP_SIZE  # pixels of the frame for one of the crop
MARGIN = (PICTURE - FACE) / 2
PLACE = np.array([[1 / SCALE, 0, -MARGIN / SCALE], [0, 1 / SCALE, -MARGIN / SCALE]])
"""From a frame to its canonical crop."""

PLACES = np.array([(0.27, 0.28), (0.73, 0.28), (0.5, 0.52), (0.33, 0.73), (0.67, 0.73)])
"""Eyes, nose and corners of the mouth, as fractions of the crop, [5, 2]."""

_EYES = PLACES[:2]
_LID_WIDTH, _LID_HEIGHT, _BROW = 0.12, 0.028, 0.10  # half an eye; from its centre to under the brow


@dataclass(frozen=True, slots=True)
class Event:
    """One expression: the motion of `label`'s action units, `px` at its apex, which lasts `hold_s`.

    The motion is a raised cosine from onset to apex and another from the end of the hold to offset.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    label: int
    px: float
    seed: int
    hold_s: float = 0.0

    def course(self, time_s: float) -> float:
        """The amplitude of the expression: 0 at onset and offset, 1 at the apex."""
        fall_s = self.apex_s + self.hold_s
        if time_s <= self.apex_s:
            part = (time_s - self.onset_s) / (self.apex_s - self.onset_s)
        else:
            part = (self.offset_s - time_s) / (self.offset_s - fall_s)
        return float(0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0, 1)))

    def field(self) -> Floats:
        """The displacement [2, PICTURE, PICTURE] at the apex, in pixels of the frame."""
        drawn = Synthesis(self.seed, nuisances=Nuisances(position=0.02, width=0.15))
        units = [unit for unit in drawn.mix(MIXES[self.label]) if unit != "AU45"]
        sides = [bump for unit in units for bump in drawn.sides(unit, drawn.lognormal(0.2))]
        placed = [_on_frame(bump) for bump in sides]
        shape = render(placed, PICTURE)
        return shape * np.float32(self.px * SCALE / float(np.hypot(*shape).max()))


@dataclass(frozen=True, slots=True)
class Scene:
    """What is rendered. `blinks` are the moments at which lids are shut; `head_px` is the range of
    the head, `noise` the camera's in grey levels, `seed` selects the face and the head motion."""

    seconds: float
    fps: float
    events: tuple[Event, ...] = ()
    blinks: tuple[float, ...] = ()
    head_px: float = 0.0
    noise: float = 1.0
    flicker: float = 0.003
    seed: int = 0
    face: Floats | None = field(default=None, repr=False)

    @property
    def times_s(self) -> NDArray[np.float64]:
        return np.arange(round(self.seconds * self.fps)) / self.fps


def crops(frames: Iterable[Pixels]) -> Iterator[Crop]:
    """The canonical crop of each frame."""
    return (crop(frame, PLACE) for frame in frames)


def film(scene: Scene) -> Iterator[Pixels]:
    """The frames of a scene, [PICTURE, PICTURE, 3], grey."""
    rng = np.random.default_rng([scene.seed, 1])
    still = face(scene.seed) if scene.face is None else scene.face
    fields = [(event, event.field()) for event in scene.events]
    head = _Head(scene)
    grain = rng.normal(0, scene.noise, (2 * PICTURE, 2 * PICTURE)).astype(np.float32)
    for time_s in scene.times_s:
        forth_x, forth_y = head.back(time_s)
        for event, moving in fields:
            if event.onset_s < time_s < event.offset_s:
                moving = moving * np.float32(event.course(time_s))
                at_x, at_y = forth_x, forth_y
                for _ in range(3):
                    u, v = (_sampled(part, at_x, at_y, cv2.INTER_LINEAR) for part in moving)
                    at_x, at_y = forth_x - u, forth_y - v
                forth_x, forth_y = at_x, at_y
        closed = max((_lid(time_s - blink) for blink in scene.blinks), default=0.0)
        if closed > 0:
            forth_y = _blinking(forth_x, forth_y, closed)
        picture = _sampled(still, forth_x, forth_y, cv2.INTER_CUBIC)
        picture *= np.float32(1 + scene.flicker * rng.normal())
        down, across = rng.integers(0, PICTURE, 2)
        picture += grain[down : down + PICTURE, across : across + PICTURE]
        levels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        yield np.asarray(cv2.cvtColor(levels, cv2.COLOR_GRAY2BGR), np.uint8)


@cache
def face(seed: int) -> Floats:
    """A person: the portrait, its shape, skin and light varied, [PICTURE, PICTURE] grey levels."""
    rng = np.random.default_rng([seed, 2])
    x, y = _pixels()
    bend = _smooth(rng, PICTURE * rng.uniform(0.12, 0.3), 2) * np.float32(0.035 * FACE)
    bend = bend - _at_landmarks(bend)
    if rng.random() < 0.5:
        x = PICTURE - 1 - x
    still = face_motion.portrait_at((x + bend[0] - MARGIN) / SCALE, (y + bend[1] - MARGIN) / SCALE)
    skin = _smooth(rng, rng.uniform(0.8, 2.5), 1)[0] * np.float32(rng.uniform(0, 4))
    light = 1 + np.float32(rng.uniform(0, 0.25)) * _smooth(rng, PICTURE / 3, 1)[0]
    toned = 255 * (np.clip(still, 0, 255) / 255) ** np.float32(rng.uniform(0.6, 1.5))
    contrast = np.float32(rng.uniform(0.5, 1.0))
    lit = (toned * contrast + 255 * (1 - contrast) / 2 + skin) * light
    return np.asarray(np.clip(lit, 0, 255), np.float32)


def random_event(
    rng: np.random.Generator, onset_s: float, lasts_s: float, *, label: int | None = None
) -> Event:
    """An expression of random class, curve and strength from `onset_s` on."""
    hold_s = lasts_s * rng.uniform(0.3, 0.6) if lasts_s > 0.5 else 0.0
    rise_s = (lasts_s - hold_s) * rng.uniform(0.35, 0.6)
    return Event(
        onset_s=onset_s,
        apex_s=onset_s + rise_s,
        offset_s=onset_s + lasts_s,
        label=int(rng.integers(3)) if label is None else label,
        px=float(np.exp(rng.uniform(np.log(0.6), np.log(2.0)))),
        seed=int(rng.integers(1 << 30)),
        hold_s=hold_s,
    )


def clip_scene(seed: int, fps: float, **changes: object) -> Scene:
    """A clip with one expression of 0.2 to 0.5 s and some rest before and after it."""
    rng = np.random.default_rng([seed, 3])
    before_s, lasts_s, after_s = rng.uniform(0.05, 0.4), rng.uniform(0.2, 0.5), rng.uniform(0, 0.3)
    event = random_event(rng, before_s, lasts_s)
    scene = Scene(before_s + lasts_s + after_s, fps, (event,), seed=seed)
    return replace(scene, **changes)  # type: ignore[arg-type]


def video_scene(
    seed: int, events: int, fps: float = 30.0, seconds: float = 60.0, **changes: object
) -> Scene:
    """A video with expressions, blinks, up to three macro expressions and a head that moves.

    Raises ValueError if they do not fit.
    """
    rng = np.random.default_rng([seed, 4])
    macros = int(rng.integers(0, 4))
    lengths = [float(np.exp(rng.uniform(np.log(0.12), np.log(0.45)))) for _ in range(events)]
    lengths += [float(rng.uniform(0.8, 3.0)) for _ in range(macros)]
    rng.shuffle(lengths)
    free = seconds - sum(lengths) - 0.4 * (len(lengths) + 1)
    if free < 0:
        raise ValueError(f"{len(lengths)} expressions do not fit into {seconds} s")
    gaps = 0.4 + free * np.diff(np.sort(rng.uniform(0, 1, len(lengths))), prepend=0)
    made_events, time_s = [], 0.0
    for gap, length in zip(gaps, lengths, strict=True):
        event = random_event(rng, time_s + float(gap), length)
        if length > 0.5:
            event = replace(event, px=event.px * 1.5)
        made_events.append(event)
        time_s = event.offset_s
    blinks = tuple(
        np.sort(rng.uniform(0.5, seconds - 0.5, rng.poisson(seconds / 60 * 15))).tolist()
    )
    scene = Scene(
        seconds, fps, tuple(made_events), blinks, head_px=float(rng.uniform(0, 4)), seed=seed
    )
    return replace(scene, **changes)  # type: ignore[arg-type]


class _Head:
    """The motion of a head over time: shift, turn, size, yaw and pitch.

    Yaw and pitch move a point by its depth: an ellipsoid with a nose, different for each head. The
    path is scaled so that the mean motion of the crop reaches the scene's `head_px` once.
    """

    def __init__(self, scene: Scene) -> None:
        rng = np.random.default_rng([scene.seed, 5])
        self._rates, self._phases = rng.uniform(0.1, 1.2, (6, 5)), rng.uniform(0, 2 * np.pi, (6, 5))
        weights = np.array([1, 1, 0.5, 0.5, 0.7, 0.7])[:, None] / np.hypot(0.3, self._rates)
        self._sizes = rng.normal(0, 1, (6, 5)) * weights
        width, height, nose = rng.uniform([0.6, 0.7, 0.15], [0.9, 1.1, 0.35])
        across, down = (_pixels() - MARGIN) / FACE - 0.5
        ellipsoid = np.sqrt(np.maximum(1 - (across / width) ** 2 - (down / height) ** 2, 0.04))
        tip = np.exp(-((across / 0.11) ** 2) - (down / 0.16) ** 2)
        self._depth = np.asarray(ellipsoid + nose * tip, np.float32)
        self._across, self._down = across.astype(np.float32), down.astype(np.float32)
        inside = (
            slice(int(MARGIN), int(MARGIN) + FACE, 8),
            slice(int(MARGIN), int(MARGIN) + FACE, 8),
        )
        farthest = max(
            float(np.hypot(*(part[inside] for part in self._motion(time_s))).mean())
            for time_s in scene.times_s
        )
        self._sizes *= scene.head_px * SCALE / max(farthest, 1e-9)

    def _motion(self, time_s: float) -> tuple[Floats, Floats]:
        turned = np.sin(2 * np.pi * self._rates * time_s + self._phases) - np.sin(self._phases)
        right, down, turn, size, yaw, pitch = (turned * self._sizes).sum(axis=1).astype(np.float32)
        u = right - turn * self._down + size * self._across + yaw * self._depth
        v = down + turn * self._across + size * self._down + pitch * self._depth
        return u, v

    def back(self, time_s: float) -> tuple[Floats, Floats]:
        """The origin of each pixel of the frame, to first order, on a head at rest."""
        x, y = _pixels()
        u, v = self._motion(time_s)
        return x - u, y - v


@cache
def _pixels() -> Floats:
    """x and y of each pixel of a frame, [2, PICTURE, PICTURE]."""
    return np.indices((PICTURE, PICTURE), np.float32)[::-1]


def _lid(since_s: float) -> float:
    """How far the lids are down, 0 to 1: shut within 0.1 s, open again within 0.18 s."""
    part = 1 + since_s / 0.10 if since_s < 0 else 1 - (since_s - 0.03) / 0.18
    return float(0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0, 1)))


def _blinking(x: Floats, y: Floats, closed: float) -> Floats:
    """The rows from which each pixel is taken when lids come down: their skin hides the eye."""
    across, down = (x - MARGIN) / FACE, (y - MARGIN) / FACE
    for eye_x, eye_y in _EYES:
        arch = 1 - ((across - eye_x) / _LID_WIDTH) ** 2
        open_y = eye_y - _LID_HEIGHT * arch
        shut_y = open_y + 2 * closed * _LID_HEIGHT * arch
        top = eye_y - _BROW
        stretched = top + (down - top) * (open_y - top) / (shut_y - top)
        down = np.where((arch > 0) & (down > top) & (down < shut_y), stretched, down)
    return (down * FACE + MARGIN).astype(np.float32)


def _on_frame(bump: GaussianBump) -> GaussianBump:
    """A bump of the crop as one of the whole frame."""
    share, start = FACE / PICTURE, MARGIN / PICTURE
    placed = replace(bump, x=start + share * bump.x, y=start + share * bump.y)
    return scaled(replace(placed, sx=share * bump.sx, sy=share * bump.sy), share)


def _at_landmarks(bend: Floats) -> Floats:
    """The similarity in a deformation [2, PICTURE, PICTURE], which a detector would undo."""
    places = PLACES * FACE + MARGIN
    columns, rows = np.rint(places).astype(int).T
    moved = places + bend[:, rows, columns].T
    turn = similarity(places, moved)
    x, y = _pixels()
    landed = np.tensordot(turn, np.stack([x, y, np.ones_like(x)]), 1)
    return (landed - _pixels()).astype(np.float32)


def _smooth(rng: np.random.Generator, sigma: float, channels: int) -> Floats:
    white = rng.normal(size=(channels, PICTURE, PICTURE)).astype(np.float32)
    blurred = np.stack([cv2.GaussianBlur(part, (0, 0), sigma) for part in white])
    return np.asarray(blurred / blurred.std(), np.float32)


def _sampled(values: Floats, x: Floats, y: Floats, how: int) -> Floats:
    return np.asarray(cv2.remap(values, x, y, how, borderMode=cv2.BORDER_REPLICATE), np.float32)
