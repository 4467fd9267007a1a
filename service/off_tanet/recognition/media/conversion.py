"""Conversion of decoded frames to blue-green-red."""

from __future__ import annotations

import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame

from off_tanet.types import Pixels

_UNSPECIFIED = 2  # colours, by H.273
_MATRICES = {0, 1, 4, 5, 6, 7, 9}  # colour matrices that FFmpeg converts from


class Converter:
    """Converts frames of a clip by a filter graph of FFmpeg.

    A graph uses the memory of its frames again once nothing refers to them. With `reformat`, each
    frame had memory of its own: glibc before 2.38 found no room for it between smaller blocks, and
    a process grew by 36 to 110 MB more in a long video.
    """

    def __init__(self) -> None:
        self._graph = Graph()
        self._made_for: tuple[object, ...] = ()

    def convert(self, frame: VideoFrame, size: tuple[int, int]) -> Pixels:
        """Convert a frame.

        Args:
            frame: The frame. Unknown declarations of its colours are removed.
            size: Width and height of the result in pixels.

        Returns:
            Blue, green and red of the frame as coded, [H, W, 3]. While this exists, its memory is
            not used for other frames.

        Raises:
            av.FFmpegError: FFmpeg does not convert from the format of the frame.
        """
        # Keep brightness as coded: FFmpeg rejects frames whose colours it cannot convert.
        frame.color_trc = frame.color_primaries = _UNSPECIFIED
        if frame.colorspace not in _MATRICES:
            frame.colorspace = _UNSPECIFIED
        source = {
            "video_size": f"{frame.width}x{frame.height}",
            "pix_fmt": frame.format.name,
            "colorspace": str(int(frame.colorspace)),
            "range": str(int(frame.color_range)),
            "time_base": "1/1",  # of no effect
        }
        made_for = (size, *source.values())
        if made_for != self._made_for:
            self._graph, self._made_for = _graph(source, size), made_for
        self._graph.vpush(frame)
        shown = self._graph.vpull()
        rows = np.frombuffer(memoryview(shown.planes[0]), np.uint8).reshape(shown.height, -1)
        return rows[:, : 3 * shown.width].reshape(shown.height, shown.width, 3)


def _graph(source: dict[str, str], size: tuple[int, int]) -> Graph:
    graph = Graph()
    graph.threads = 1  # a worker has one core
    graph.link_nodes(
        graph.add("buffer", **source),
        graph.add("scale", w=str(size[0]), h=str(size[1]), flags="bilinear"),
        graph.add("format", pix_fmts="bgr24"),
        graph.add("buffersink"),
    ).configure()
    return graph
