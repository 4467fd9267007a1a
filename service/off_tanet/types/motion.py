"""The motion of a face over the frames of a clip, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OFFSET_SHARE = 0.25  # of the strength at the apex


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The motion curve of a clip.

    Attributes:
        strength_px: Strength of the expression in each frame, [T] float32, in pixels at 112 x 112
            without head motion. It is measured against the onset if that was given, else against
            the first frame that was examined.
        times_s: Seconds from the start of the clip, [T] float32.
        scene_end: Index of the first frame of another scene, from which on nothing was measured;
            None if there is none.
    """

    strength_px: NDArray[np.float32]
    times_s: NDArray[np.float32]
    scene_end: int | None = None

    def offset(self, apex: int) -> int | None:
        """Find the frame after the apex at which most of the motion has disappeared.

        Args:
            apex: Index of the apex frame.

        Returns:
            The index of the first frame, in the same scene, whose strength is less than a quarter
            of that at the apex; None if there is no such frame.
        """
        following = self.strength_px[apex : self.scene_end]
        (weak,) = (following < _OFFSET_SHARE * self.strength_px[apex]).nonzero()
        return apex + int(weak[0]) if weak.size else None


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Measurements of the tracked face on every frame. Frames without a face are NaN.

    All are float32 [T], except for the times. Right and left are those of the person.

    Attributes:
        time_s: Seconds from the start of the clip, float64 [T].
        presence: Probability that the tracked region shows a face, 0..1.
        right_eye: Height of the opening of the right eye as a share of its width.
        left_eye: The same of the left eye.
        mouth: Distance between the lips as a share of the distance of the eyes' outer corners.
        yaw: Turn of the head to the right of the picture, in degrees.
        pitch: Turn of the head downwards, in degrees.
        roll: Turn of the head clockwise, in degrees.
        x: Column of the head in the picture, in pixels.
        y: Row of the head in the picture, in pixels.
        scale: Pixels of the picture for one pixel of the crop.
        sharpness: Standard deviation of the crop's Laplacian, in grey levels.
        brightness: Mean of the crop, in grey levels.
        surroundings: Mean of the picture above and on both sides of the head, in grey levels; NaN
            also where the picture ends at the head.
    """

    time_s: NDArray[np.float64]
    presence: NDArray[np.float32]
    right_eye: NDArray[np.float32]
    left_eye: NDArray[np.float32]
    mouth: NDArray[np.float32]
    yaw: NDArray[np.float32]
    pitch: NDArray[np.float32]
    roll: NDArray[np.float32]
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    scale: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    brightness: NDArray[np.float32]
    surroundings: NDArray[np.float32]
