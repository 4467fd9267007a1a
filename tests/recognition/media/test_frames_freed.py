"""Decoded frames are freed at once: in cycles, 100 of them would wait for the garbage collector."""

from __future__ import annotations

import gc

from av.container import InputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import open_clip

from tests.support import factories


def alive(*kinds: type) -> int:
    """The objects of these kinds in this process."""
    return sum(type(each) in kinds for each in gc.get_objects())


def test_frames_are_freed_without_the_garbage_collector() -> None:
    """A worker grew by 36 MB with each clip, and was replaced after nine of them."""
    clip = factories.mp4([factories.picture(64, 64, index) for index in range(30)])
    gc.collect()
    gc.disable()
    try:
        graphs, before = alive(Graph), alive(VideoFrame, InputContainer)
        most = max(alive(VideoFrame, InputContainer) for _ in open_clip(clip, MediaLimits()))
        assert alive(VideoFrame, InputContainer) == before
        assert alive(Graph) == graphs
        assert most <= before + 4
    finally:
        gc.enable()


def test_frames_use_the_memory_of_those_before() -> None:
    """With memory of its own for each frame, a process grew by 110 MB in a video of 1080p."""
    clip = factories.mp4([factories.picture(640, 480, index) for index in range(30)])
    addresses = [frame.pixels.ctypes.data for frame in open_clip(clip, MediaLimits())]
    assert len(addresses) == 30
    assert len(set(addresses)) <= 3
    kept = [frame.pixels for frame in open_clip(clip, MediaLimits())]
    assert len({pixels.ctypes.data for pixels in kept}) == 30
