"""Decoded frames are freed at once: in cycles, 100 of them would wait for the garbage collector."""

from __future__ import annotations

import gc

from av.container import InputContainer
from av.video.frame import VideoFrame
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import open_clip

from tests.support import factories


def alive() -> int:
    """The decoded frames and open containers of this process."""
    return sum(type(each) in (VideoFrame, InputContainer) for each in gc.get_objects())


def test_frames_are_freed_without_the_garbage_collector() -> None:
    """A worker grew by 36 MB with each clip, and was replaced after nine of them."""
    clip = factories.mp4([factories.picture(64, 64, index) for index in range(30)])
    gc.collect()
    gc.disable()
    try:
        before = alive()
        most = max(alive() for _ in open_clip(clip, MediaLimits()))
        assert alive() == before
        assert most <= before + 4
    finally:
        gc.enable()
