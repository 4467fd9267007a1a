"""Videos in a folder, files or folders of frames, and what the service spots in them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
from off_tanet.batch.folder import find_clips, find_frame_folders
from off_tanet.configuration import Configuration
from off_tanet.errors import OffTanetError
from off_tanet.files import read
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.frame_files import FrameFiles
from off_tanet.recognition.media.sources import Source
from off_tanet.recognition.recognizer import Recognizer
from tqdm import tqdm

from off_tanet_export.datasets.people import person_name
from off_tanet_export.errors import MapsError
from off_tanet_export.evaluation.events import Event, VideoName, video_name

_UNLIMITED = MediaLimits(
    video_bytes=1 << 40, video_frames=1 << 40, video_seconds=1e12
)  # one's own files are no uploads


@dataclass(frozen=True, slots=True)
class Video:
    """A video.

    Attributes:
        name: Its name among the events.
        path: The file, or the folder of its frames.
    """

    name: VideoName
    path: Path


@dataclass(frozen=True, slots=True)
class SpottingOptions:
    """How videos are read.

    Attributes:
        fps: Frames per second of folders of frames.
        first_frame: The number of the first frame of a video file in the annotation. The frames of
            folders have those of their names.
        cropped: Whether the frames are already tight face crops.
        model: The ONNX file; None for the shipped one.
    """

    fps: float | None = None
    first_frame: int = 0
    cropped: bool = False
    model: Path | None = None


def find_videos(folder: Path, true: Sequence[Event]) -> list[Video]:
    """Find all videos below a folder, those without events included.

    An annotated video is found by its name, which is that of the file without its suffix, or of the
    folder of frames; if several have it, by the person in the name of a folder above.

    Args:
        folder: The folder.
        true: The annotated events.

    Raises:
        MapsError: There is no video, or an annotated one is missing or there several times.
    """
    if not folder.is_dir():
        raise MapsError(f"the folder {folder} does not exist")
    files = {Path(name).with_suffix(""): folder / name for name in find_clips(folder)}
    frames = {Path(name): folder / name for name in find_frame_folders(folder)}
    places = {**frames, **files}
    if not places:
        raise MapsError(f"{folder} has no videos")
    names: dict[Path, VideoName] = {}
    for wanted in dict.fromkeys(event.video for event in true):
        found = _named(wanted, places)
        if len(found) != 1:
            what = f"{len(found)} videos" if found else "no video"
            raise MapsError(f"{folder} has {what} named {'/'.join(filter(None, wanted))}")
        if found[0] in names:
            raise MapsError(f"{places[found[0]]} has two names in the annotation")
        names[found[0]] = wanted
    return [
        Video(names.get(place) or video_name(place.parent.name, place.name), path)
        for place, path in sorted(places.items())
    ]


def _named(wanted: VideoName, places: Collection[Path]) -> list[Path]:
    person, name = wanted
    # CAS(ME)^2 has the video 0401 of s15 in `15_0401girlcrashing`.
    code = f"0*{person.lstrip('0')}_" if person.isdecimal() else "(?!)"  # no number: nothing
    coded = re.compile(rf"{code}{re.escape(name)}(?!\d).*")
    found = [
        place
        for place in places
        if name in (place.name.casefold(), place.as_posix().casefold())
        or Path(name).with_suffix("") == Path(place.name.casefold())
        or coded.fullmatch(place.name.casefold())
    ]
    if len(found) > 1 and person:
        found = [place for place in found if person in map(person_name, place.parts[:-1])]
    return found


def spot_videos(
    videos: Sequence[Video], options: SpottingOptions, processes: int = 1
) -> list[Event]:
    """Spot the expressions of videos as the service does.

    A video that cannot be read, or shows no face, has none; a line on standard error says so.

    Args:
        videos: The videos.
        options: How they are read.
        processes: The number of videos at once.

    Raises:
        MapsError: There are folders of frames, and their rate is not given.
        ModelError: The model cannot be used.
    """
    if options.fps is None and any(video.path.is_dir() for video in videos):
        raise MapsError("folders of frames need --fps, the number of frames a second")
    events: list[Event] = []
    problems: list[str] = []
    jobs = (partial(_spot, options=options), videos)
    with ExitStack() as stack:
        results: Iterator[tuple[list[Event], str]] = map(*jobs)
        if min(processes, len(videos)) > 1:
            pool = ProcessPoolExecutor(min(processes, len(videos)), get_context("spawn"))
            results = stack.enter_context(pool).map(*jobs)
        bar = stack.enter_context(tqdm(results, "spotting", len(videos), unit="video"))
        for found, problem in bar:
            events += found
            problems += [problem] if problem else []
    for problem in problems:
        print(problem, file=sys.stderr)
    return events


def _spot(video: Video, options: SpottingOptions) -> tuple[list[Event], str]:
    """Return the events of a video, and what is wrong with it."""
    cv2.setNumThreads(1)
    configuration = Configuration(media=_UNLIMITED)
    if options.model is not None:
        configuration = Configuration(media=_UNLIMITED, model=options.model)
    recognizer = Recognizer(configuration)
    try:
        source, numbers = _open(video.path, options)
        spotting = recognizer.video(source, face="none" if options.cropped else "auto")
    except OffTanetError as error:
        return [], f"{video.path}: {error.detail} Nothing counts as found."
    events = []
    for expression in spotting.expressions:
        first, last = (
            numbers[index] if numbers else index + options.first_frame
            for index in (expression.onset.index, expression.offset.index)
        )
        label = expression.prediction.most_likely
        events.append(Event(video.name, first, last, expression.kind, label))
    return events, ""


def _open(path: Path, options: SpottingOptions) -> tuple[Source, Sequence[int]]:
    """Return a video and the numbers of its frames; those of a file's are not listed.

    Raises:
        UnreadableFileError: It cannot be read.
    """
    if not path.is_dir():
        return read(path, os.path.getsize(path)), ()
    frames = FrameFiles.of(path, options.fps or 0)
    return frames, list(map(_number, frames.paths))


def _number(path: Path) -> int:
    """Return the number of a frame, the last one in its name."""
    return int(re.findall(r"\d+", path.stem)[-1])
