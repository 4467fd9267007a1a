"""Tracking and spotting of all faces of a clip or video, with the time of each stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

import numpy as np

from off_tanet.errors import NoFaceError, OffTanetError, TooFewFramesError
from off_tanet.limits import Thresholds
from off_tanet.recognition.face.trackers import MultiTracker
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.recognition.media.ahead import read_ahead
from off_tanet.recognition.media.sources import FrameStream
from off_tanet.recognition.pair import CropPair, spot_pair
from off_tanet.recognition.spotting.scenes import TrackedClip
from off_tanet.recognition.spotting.video import MultiFaceSpotter, SpottedExpression
from off_tanet.recognition.stopwatch import Stage, Stopwatch
from off_tanet.types import Moment, Motion, Progress

_PROGRESS_S = 1.0  # of video, between two calls of `progress`


def track(
    stream: FrameStream,
    tracker: MultiTracker,
    stopwatch: Stopwatch,
    stage: Stage,
    *,
    ahead: bool = True,
) -> Iterator[tuple[tuple[TrackedFrame, ...], Moment]]:
    """Decode and track the frames of a stream one by one.

    Args:
        stream: The frames.
        tracker: Tracks the faces.
        stopwatch: Measures waiting for the decoder as `decode` and tracking as `stage`.
        stage: The stage of tracking.
        ahead: Whether the next frames are decoded meanwhile; two of them wait at most.

    Yields:
        Each frame, tracked for each face, with its index and time.
    """
    with closing(read_ahead(stream) if ahead else iter(stream)) as frames:
        while True:
            with stopwatch.stage("decode"):
                frame = next(frames, None)
            if frame is None:
                return
            with stopwatch.stage(stage):
                tracked = tracker.track(frame.pixels, frame.time_s)
            yield tracked, Moment(frame.index, frame.time_s)


def track_clip(
    stream: FrameStream,
    tracker: MultiTracker,
    stopwatch: Stopwatch,
    progress: Progress | None,
    *,
    ahead: bool = True,
) -> list[TrackedClip]:
    """Track all frames of a clip.

    Args:
        stream: The frames.
        tracker: Tracks the faces.
        stopwatch: Measures the stages `decode` and `face`.
        progress: Called after each frame in the stage `decode`.
        ahead: As for `track`.

    Returns:
        The tracked frames of each face that is seen; those of one face if none is.
    """
    frames: list[tuple[TrackedFrame, ...]] = []
    times_s: list[float] = []
    for frame, moment in track(stream, tracker, stopwatch, "face", ahead=ahead):
        frames.append(frame)
        times_s.append(moment.time_s)
        if progress:
            progress("decode", len(frames), max(len(frames), stream.claimed_frames or 0))
    times = np.array(times_s, np.float32)
    clips = [TrackedClip(face, times, stream.damaged) for face in zip(*frames, strict=True)]
    shown = [clip for clip in clips if any(frame.crop is not None for frame in clip.frames)]
    return shown or clips[:1]


def spot_pairs(
    clips: Sequence[TrackedClip],
    onset_index: int | None,
    apex_index: int | None,
    thresholds: Thresholds,
    progress: Progress | None,
) -> list[tuple[CropPair, Motion]]:
    """Find onset and apex of each face of a clip.

    Args:
        clips: The tracked frames of each face.
        onset_index: The index of the onset, if known.
        apex_index: The index of the apex, if known.
        thresholds: The values from which on a warning applies.
        progress: Called after each frame in the stage `spotting`.

    Returns:
        As `spot_pair`, for each face that is seen long enough; at least one.

    Raises:
        OffTanetError: As `TrackedClip.search_range`, for the first face, if none can be used.
    """
    spotted = []
    errors: list[OffTanetError] = []
    for place, clip in enumerate(clips):
        step = progress and partial(_report_share, progress, place, len(clips))
        try:
            spotted.append(spot_pair(clip, onset_index, apex_index, thresholds, step))
        except (NoFaceError, TooFewFramesError) as error:
            errors.append(error)
    if not spotted:
        raise errors[0]
    return spotted


def _report_share(
    progress: Progress, place: int, count: int, stage: str, done: int, total: int
) -> None:
    """Report the progress of one of several faces as that of all of them."""
    progress(stage, place * total + done, count * total)


def spot_video(
    stream: FrameStream,
    tracker: MultiTracker,
    spotter: MultiFaceSpotter,
    stopwatch: Stopwatch,
    progress: Progress | None,
    *,
    ahead: bool = True,
) -> Iterator[SpottedExpression]:
    """Spot the expressions of a video.

    Args:
        stream: The frames.
        tracker: Tracks the faces.
        spotter: Spots the expressions, and holds the figures of the whole video.
        stopwatch: Measures the stages `decode` and `spotting`.
        progress: Called for every second of video in the stage `spotting`.
        ahead: As for `track`.

    Yields:
        Each expression as soon as it is certain.
    """
    next_progress_s = 0.0
    for frames, moment in track(stream, tracker, stopwatch, "spotting", ahead=ahead):
        with stopwatch.stage("spotting"):
            found = spotter.add(frames, moment)
        yield from found
        if progress and moment.time_s >= next_progress_s:
            total = max(spotter.frames, stream.claimed_frames or 0)
            progress("spotting", spotter.frames, total)
            next_progress_s = moment.time_s + _PROGRESS_S
    with stopwatch.stage("spotting"):
        found = spotter.finish()
    yield from found
