"""The fit of light in NumPy, step by step: what the kernel's is compared with."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from off_tanet.recognition.flow import light
from off_tanet.types import Crop

Floats = NDArray[np.floating]

CELLS, PITCH, STEPS = 16, 7, 5
NOISE, MOTION_PX, CLIPPED_SHARE = 0.7, 1.5, 0.25
LIGHT, HEAD = slice(0, -8), light._HEAD.astype(np.float64)
MIDDLES = np.arange(CELLS) * PITCH + (PITCH - 1) / 2
CENTRES = np.stack(np.meshgrid(MIDDLES, MIDDLES)).reshape(2, -1)


def fitted(onset: Crop, apex: Crop) -> tuple[Floats, float]:
    """The terms that match the apex to the onset, and the remaining difference."""
    fine, (target, _, _, clipped) = averages(apex), sampled(averages(onset), CENTRES)
    terms, squares = np.zeros(len(light._PRECISION)), np.zeros(CELLS**2)
    for _ in range(STEPS):
        places = terms[-8:].reshape(2, 4) @ HEAD + CENTRES
        values = sampled(fine, places)
        of_light = light_terms(values, places)
        slopes = gradients((values[0] + terms[LIGHT] @ of_light + target) / 2)
        design = np.concatenate([of_light, (slopes[:, None] * HEAD).reshape(8, -1)])
        wanted = target - values[0] + terms[-8:] @ design[-8:]
        visible = np.maximum(1 - np.maximum(clipped, values[3]) / CLIPPED_SHARE, 0)
        precision = visible / (NOISE**2 + MOTION_PX**2 * (slopes**2).sum(axis=0))
        scale = max(1.0, 2 * np.sort(squares)[len(squares) // 2])
        weighted = design * precision * (1 + squares / scale) ** -2
        normal = weighted @ design.T + np.diag(light._PRECISION)
        terms = np.linalg.solve(normal, weighted @ wanted)
        squares = precision * (wanted - terms @ design) ** 2
    still = np.sort(squares[light._STILL])
    return terms, float(still[int(0.9 * len(still))] ** 0.5)


def averages(crop: Crop) -> Floats:
    """The four values of each pixel's level, averaged over a cell around it, [112, 112, 4]."""
    values = light._LEVELS.astype(np.float64)[crop]
    return np.asarray(cv2.blur(values, (PITCH, PITCH), borderType=cv2.BORDER_REPLICATE))


def sampled(fine: Floats, places: Floats) -> Floats:
    """Averages between pixels [2, cells], [4, cells]."""
    x, y = np.clip(places, 0, 111)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, below = np.minimum(left + 1, 111), np.minimum(top + 1, 111)
    across, down = (x - left)[:, None], (y - top)[:, None]
    upper = fine[top, left] * (1 - across) + fine[top, right] * across
    lower = fine[below, left] * (1 - across) + fine[below, right] * across
    return np.asarray((upper * (1 - down) + lower * down).T)


def light_terms(values: Floats, places: Floats) -> Floats:
    """The derivative of each cell by each term of light, [terms, cells]."""
    x, y = (places + 0.5) * (2 / 112) - 1
    gains = waves(y)[light._DOWN] * waves(x)[light._ACROSS] * values[0]
    return np.concatenate([gains, values[1:3], [np.ones_like(x), x, y]])


def waves(place: Floats) -> Floats:
    """A constant, a slope and cosines of 1 to 4 periods at each place, [9, cells]."""
    cosines = (np.cos(half_periods * np.pi / 2 * (place + 1)) for half_periods in range(2, 9))
    return np.stack([np.ones_like(place), place, *cosines])


def gradients(cells: Floats) -> Floats:
    """The gradients of cells [cells] per pixel, [2, cells]; an edge is its own neighbour."""
    wider = np.pad(cells.reshape(CELLS, CELLS), 1, mode="edge")
    across, down = wider[1:-1, 2:] - wider[1:-1, :-2], wider[2:, 1:-1] - wider[:-2, 1:-1]
    return np.stack([across, down]).reshape(2, -1) / (2 * PITCH)
