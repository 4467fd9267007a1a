"""Conversion of decoded frames to upright pictures in blue, green and red."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from off_tanet.recognition.media.turns import Turn
from off_tanet.types import Pixels

_UNSPECIFIED = 2  # colours, by H.273
_MATRICES = {0, 1, 4, 5, 6, 7, 9}  # colour matrices that FFmpeg converts from

_TURNED_BEFORE = {"yuv420p", "yuvj420p"}
"""Common formats that FFmpeg turns in a sixth of the time, with the same result."""

_TRANSPOSITIONS = {  # by `Turn.across` and `Turn.down`
    (False, False): "cclock_flip",
    (True, False): "clock",
    (False, True): "cclock",
    (True, True): "clock_flip",
}


class Converter:
    """Converts frames of a clip by a filter graph of FFmpeg.

    A graph uses the memory of its frames again once nothing refers to them. With `reformat`, each
    frame had memory of its own: glibc before 2.38 found no room for it between smaller blocks, and
    a process grew by 36 to 110 MB more in a long video.
    """

    def __init__(self) -> None:
        self._graph = Graph()
        self._made_for: tuple[object, ...] = ()

    def convert(self, frame: VideoFrame, size: tuple[int, int], turn: Turn) -> Pixels:
        """Convert a frame.

        Args:
            frame: The frame. Unknown declarations of its colours are removed.
            size: Width and height in pixels, before the turn.
            turn: The turn by which the frame is upright.

        Returns:
            The picture, [H, W, 3], in rows that may be apart. While it exists, its memory is not
            used for other frames.

        Raises:
            av.FFmpegError: FFmpeg does not convert from the format of the frame.
        """
        # Keep brightness as coded: FFmpeg rejects frames whose colours it cannot convert.
        frame.color_trc = frame.color_primaries = _UNSPECIFIED
        if frame.colorspace not in _MATRICES:
            frame.colorspace = _UNSPECIFIED
        even = frame.width % 2 == frame.height % 2 == 0  # else chroma would be shifted
        if even and frame.format.name in _TURNED_BEFORE:
            return self._converted(frame, size, turn)
        return turn.apply(self._converted(frame, size, Turn()))

    def _converted(self, frame: VideoFrame, size: tuple[int, int], turn: Turn) -> Pixels:
        source = {
            "video_size": f"{frame.width}x{frame.height}",
            "pix_fmt": frame.format.name,
            "colorspace": str(int(frame.colorspace)),
            "range": str(int(frame.color_range)),
            "time_base": "1/1",  # of no effect
        }
        made_for = (size, turn, *source.values())
        if made_for != self._made_for:
            self._graph, self._made_for = _graph(source, size, turn), made_for
        self._graph.vpush(frame)
        shown = self._graph.vpull()
        rows = np.frombuffer(memoryview(shown.planes[0]), np.uint8).reshape(shown.height, -1)
        return rows[:, : 3 * shown.width].reshape(shown.height, shown.width, 3)


def _graph(source: dict[str, str], size: tuple[int, int], turn: Turn) -> Graph:
    graph = Graph()
    graph.threads = 1  # a worker has one core
    width, height = map(str, reversed(size) if turn.transposed else size)
    graph.link_nodes(
        graph.add("buffer", **source),
        *(graph.add(name, **options) for name, options in _turning(turn)),
        graph.add("scale", w=width, h=height, flags="bilinear"),
        graph.add("format", pix_fmts="bgr24"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _turning(turn: Turn) -> Iterator[tuple[str, dict[str, str]]]:
    """Filters and their options."""
    if turn.transposed:
        yield "transpose", {"dir": _TRANSPOSITIONS[turn.across, turn.down]}
        return
    if turn.across:
        yield "hflip", {}
    if turn.down:
        yield "vflip", {}
