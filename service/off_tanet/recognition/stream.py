"""Tracking and spotting while a clip or video is decoded, with the time of each stage."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from off_tanet.recognition.face.tracking import TrackedFrame, Tracker
from off_tanet.recognition.media.video import ClipStream
from off_tanet.recognition.spotting.scenes import TrackedClip
from off_tanet.recognition.spotting.video import SpottedExpression, VideoSpotter
from off_tanet.recognition.stopwatch import Stage, Stopwatch
from off_tanet.types import Moment, Progress

_PROGRESS_S = 1.0  # of video, between two calls of `progress`


def track(
    stream: ClipStream, tracker: Tracker, stopwatch: Stopwatch, stage: Stage
) -> Iterator[tuple[TrackedFrame, Moment]]:
    """Decode and track the frames of a stream one by one.

    Args:
        stream: The frames.
        tracker: Tracks the face.
        stopwatch: Measures decoding as `decode` and tracking as `stage`.
        stage: The stage of tracking.

    Yields:
        Each tracked frame with its index and time. No decoded frame is kept.
    """
    frames = iter(stream)
    while True:
        with stopwatch.stage("decode"):
            frame = next(frames, None)
        if frame is None:
            return
        with stopwatch.stage(stage):
            tracked = tracker.track(frame.pixels)
        yield tracked, Moment(frame.index, frame.time_s)


def track_clip(
    stream: ClipStream, tracker: Tracker, stopwatch: Stopwatch, progress: Progress | None
) -> TrackedClip:
    """Track all frames of a clip.

    Args:
        stream: The frames.
        tracker: Tracks the face.
        stopwatch: Measures the stages `decode` and `face`.
        progress: Called after each frame in the stage `decode`.

    Returns:
        The tracked frames.
    """
    frames: list[TrackedFrame] = []
    times_s: list[float] = []
    for frame, moment in track(stream, tracker, stopwatch, "face"):
        frames.append(frame)
        times_s.append(moment.time_s)
        if progress:
            progress("decode", len(frames), max(len(frames), stream.claimed_frames or 0))
    return TrackedClip(frames, np.array(times_s, np.float32), stream.damaged)


def spot_video(
    stream: ClipStream,
    tracker: Tracker,
    spotter: VideoSpotter,
    stopwatch: Stopwatch,
    progress: Progress | None,
) -> Iterator[SpottedExpression]:
    """Spot the expressions of a video.

    Args:
        stream: The frames.
        tracker: Tracks the face.
        spotter: Spots the expressions, and holds the figures of the whole video.
        stopwatch: Measures the stages `decode` and `spotting`.
        progress: Called for every second of video in the stage `spotting`.

    Yields:
        Each expression as soon as it is certain.
    """
    next_progress_s = 0.0
    for frame, moment in track(stream, tracker, stopwatch, "spotting"):
        with stopwatch.stage("spotting"):
            found = spotter.add(frame, moment)
        yield from found
        if progress and moment.time_s >= next_progress_s:
            frames = max(spotter.frames, stream.claimed_frames or 0)
            progress("spotting", spotter.frames, frames)
            next_progress_s = moment.time_s + _PROGRESS_S
    with stopwatch.stage("spotting"):
        found = spotter.finish()
    yield from found
