"""Pairs of crops: cut from two images or spotted in a clip."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from off_tanet.errors import NoFaceError
from off_tanet.limits import Thresholds
from off_tanet.recognition.face.cropping import crop
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.recording import record_signals
from off_tanet.recognition.face.trackers import FaceTracker, MultiTracker, OneFace
from off_tanet.recognition.face.tracking import PreCroppedTracker, TrackedFrame, Tracker
from off_tanet.recognition.motion.head_motion import HeadMotion, aligned_motion
from off_tanet.recognition.motion.head_shape import HeadShape
from off_tanet.recognition.motion.stabilization import ExpressionFlow, expression_flow
from off_tanet.recognition.same_person import are_different_scenes, differs, turn_deg
from off_tanet.recognition.spotting.clip import Candidate, spot
from off_tanet.recognition.spotting.eyes import opening
from off_tanet.recognition.spotting.scenes import TrackedClip
from off_tanet.types import (
    Crop,
    Face,
    Moment,
    Motion,
    Pixels,
    Progress,
    Signals,
)


@dataclass(frozen=True, slots=True, eq=False)
class CropPair:
    """Two crops that are to be classified.

    Attributes:
        onset: Index and time of the onset.
        apex: Index and time of the apex.
        crops: The crops [112, 112] of the onset and of the frame whose motion is classified.
        faces: The faces on the onset, the largest first; empty without detection.
        warnings: Warnings of `quality.OBSERVED` that apply.
        weak_apex: Whether no peak of the motion curve stands out.
        shape: The shape of the head; None for that of the average face.
        aligned: The motion of the head that was taken out when the apex was cropped.
        different_scenes: Whether the crops show different scenes or people.
        turn_deg: By how much the head turned or nodded in between, in degrees; 0 if not known.
        surroundings: Brightness of what is around the face on the onset, in grey levels; NaN where
            it is not known.
        signals: The signals of all frames that were examined; None for face crops.
        alternatives: Other candidates of the clip, the likeliest first.
        classified: Index and time of the frame of the second crop; None if it is the apex.
    """

    onset: Moment
    apex: Moment
    crops: tuple[Crop, Crop]
    faces: tuple[Face, ...] = ()
    warnings: frozenset[str] = frozenset()
    weak_apex: bool = False
    shape: HeadShape | None = None
    aligned: HeadMotion = field(default_factory=HeadMotion.none)
    different_scenes: bool = False
    turn_deg: float = 0.0
    surroundings: float = np.nan
    signals: Signals | None = None
    alternatives: tuple[CropPair, ...] = ()
    classified: Moment | None = None


def crop_pair(onset: Pixels, apex: Pixels, tracker: Tracker) -> CropPair:
    """Crop two images of one face.

    Args:
        onset: The image at the onset, [H, W, 3].
        apex: The image at the apex, [H, W, 3]. Where it shows no face, it is cropped as the onset.
        tracker: Finds the face.

    Returns:
        The crops.

    Raises:
        NoFaceError: If no face is detected on the onset.
    """
    return crop_pairs(onset, apex, OneFace(tracker))[0]


def crop_pairs(onset: Pixels, apex: Pixels, tracker: MultiTracker) -> list[CropPair]:
    """Crop two images of several faces.

    Args:
        onset: The image at the onset, [H, W, 3].
        apex: The image at the apex, [H, W, 3]. A face that it does not show is cropped as the
            onset.
        tracker: Finds the faces.

    Returns:
        The crops of each face on the onset, at least one.

    Raises:
        NoFaceError: If no face is detected on the onset.
    """
    first = tracker.track(onset)
    if all(frame.crop is None for frame in first):
        raise NoFaceError("No face was found on the onset frame.")
    both = zip(first, tracker.track(apex), strict=True)
    return [_pair_of_images(frames, apex) for frames in both if frames[0].crop is not None]


def _pair_of_images(frames: tuple[TrackedFrame, TrackedFrame], apex: Pixels) -> CropPair:
    first, second = frames
    if second.crop is None and first.where is not None:
        second = replace(second, crop=crop(apex, first.where), where=first.where)
    moments = Moment(0, 0.0), Moment(1, 0.0)
    warnings = first.warnings | second.warnings
    # Nothing tells which of two pictures belongs to another scene; of a clip one is searched.
    different = "cut" in warnings or differs(first, second)
    pair = pair_of_frames((first, second), moments, warnings, different_scenes=different)
    return replace(pair, signals=record_signals((first, second), (0.0, 0.0)))


def pair_of_frames(
    frames: tuple[TrackedFrame, TrackedFrame],
    moments: tuple[Moment, Moment],
    warnings: frozenset[str],
    weak_apex: bool = False,
    different_scenes: bool | None = None,
) -> CropPair:
    """Make the pair of two tracked frames.

    Args:
        frames: Onset and apex; both have a crop.
        moments: Their indices and times.
        warnings: Warnings of `quality.OBSERVED` that apply.
        weak_apex: Whether no peak of the motion curve stands out.
        different_scenes: Whether the frames show different scenes or people; None if
            `are_different_scenes` is to decide.

    Returns:
        The pair.
    """
    onset, apex = frames
    if onset.crop is None or apex.crop is None:
        raise ValueError("a frame shows no face")
    if different_scenes is None:
        different_scenes = are_different_scenes(onset, apex)
    return CropPair(
        onset=moments[0],
        apex=moments[1],
        crops=(onset.crop, apex.crop),
        faces=onset.faces,
        warnings=warnings,
        weak_apex=weak_apex,
        shape=head_shape(onset),
        aligned=_motion_between(onset, apex),
        different_scenes=different_scenes,
        turn_deg=turn_deg(onset, apex),
        surroundings=np.nan if onset.signals is None else onset.signals.surroundings,
    )


def head_shape(frame: TrackedFrame) -> HeadShape | None:
    """Return the shape of the head on a frame; None where its landmarks are not known."""
    return None if frame.landmarks is None else HeadShape(frame.landmarks)


def _motion_between(first: TrackedFrame, second: TrackedFrame) -> HeadMotion:
    """The motion of the head that the transforms of two crops take out."""
    if first.where is None or second.where is None:
        return HeadMotion.none()
    return aligned_motion(first.where, second.where)


def spot_pair(
    clip: TrackedClip,
    onset_index: int | None,
    apex_index: int | None,
    thresholds: Thresholds,
    progress: Progress | None,
) -> tuple[CropPair, Motion]:
    """Find onset and apex in a clip, as far as they are not given.

    Args:
        clip: The tracked frames.
        onset_index: The index of the onset, if known.
        apex_index: The index of the apex, if known.
        thresholds: The values from which on a warning applies.
        progress: Called after each frame in the stage `spotting`.

    Returns:
        The crops of onset and apex, and the motion curve over all frames of the clip.

    Raises:
        OffTanetError: As `TrackedClip.search_range`.
    """
    searched = clip.search_range(onset_index, apex_index)
    start, stop = searched.start, searched.stop
    if apex_index is not None and apex_index >= stop:
        return _pair_across(clip, start, apex_index, thresholds), _no_motion(clip, stop)
    spotted = spot(
        clip.crops(searched),
        clip.times_s[start:stop],
        onset=None if onset_index is None else 0,
        apex=None if apex_index is None else apex_index - start,
        progress=progress,
        shape=head_shape(clip.frames[start]),
        eyes=opening(clip.frames[start:stop]),
        where=[frame.where for frame in clip.frames[start:stop]],
    )
    strength_px = np.zeros(len(clip.frames), np.float32)
    strength_px[start:stop] = spotted.strength_px
    best, *others = (
        _pair_of_candidate(clip, candidate, start, thresholds)
        for candidate in (spotted.best, *spotted.others)
    )
    pair = replace(
        best,
        weak_apex=spotted.weak and apex_index is None,
        signals=record_signals(clip.frames, clip.times_s),
        alternatives=tuple(others),
    )
    return pair, Motion(strength_px, clip.times_s, stop)


def _pair_of_candidate(
    clip: TrackedClip, candidate: Candidate, start: int, thresholds: Thresholds
) -> CropPair:
    """The pair of an onset and the frame whose motion is classified."""
    onset, apex, read = (
        start + index for index in (candidate.onset, candidate.apex, candidate.read)
    )
    pair = pair_of_frames(
        (clip.frames[onset], clip.frames[read]),
        (clip.moment(onset), clip.moment(apex)),
        clip.warnings(onset, apex) | clip.conditions(onset, apex, thresholds),
    )
    return replace(pair, classified=clip.moment(read))


def _pair_across(clip: TrackedClip, onset: int, apex: int, thresholds: Thresholds) -> CropPair:
    """The pair of a given onset and a given apex that is in a later scene: as of two images."""
    warnings = clip.warnings(onset, apex)
    pair = pair_of_frames(
        (clip.frames[onset], clip.frames[apex]),
        (clip.moment(onset), clip.moment(apex)),
        warnings | clip.conditions(onset, apex, thresholds),
    )
    between = (frame.warnings for frame in clip.frames[onset + 1 : apex + 1])
    return replace(
        pair,
        different_scenes=pair.different_scenes or any("cut" in found for found in between),
        signals=record_signals(clip.frames, clip.times_s),
    )


def _no_motion(clip: TrackedClip, scene_end: int) -> Motion:
    """The curve of a clip in which nothing was measured."""
    return Motion(np.zeros(len(clip.frames), np.float32), clip.times_s, scene_end)


def pair_flow(onset: Pixels, apex: Pixels, detector: FaceDetector | None) -> ExpressionFlow:
    """Compute the flow of the expression between two images, as a request with them does.

    Args:
        onset: The image at the onset, [H, W, 3].
        apex: The image at the apex, [H, W, 3].
        detector: Finds the face; None if both images are tight face crops.

    Returns:
        The flow.

    Raises:
        NoFaceError: If no face is detected on the onset.
    """
    tracker = PreCroppedTracker() if detector is None else FaceTracker(detector)
    pair = crop_pair(onset, apex, tracker)
    return expression_flow(*pair.crops, pair.shape)
