"""Several faces in one picture: each keeps its number, whatever the others do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from off_tanet.configuration import ASSETS
from off_tanet.errors import InvalidRequestError, NoFaceError
from off_tanet.face_choice import FaceChoice, check_faces, format_face, parse_face
from off_tanet.recognition.face.detector import FaceDetector
from off_tanet.recognition.face.geometry import AVERAGE
from off_tanet.recognition.face.mesh import FaceLandmarks
from off_tanet.recognition.face.selection import choose
from off_tanet.recognition.face.trackers import FaceTracker, MultiFaceTracker, _without_duplicates
from off_tanet.recognition.face.tracking import TrackedFrame
from off_tanet.types import Pixels

from tests.support import two_people


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(ASSETS)


def face_at(x: float, y: float, size: float = 1.0, presence: float = 1.0) -> FaceLandmarks:
    """A face 112 pixels wide at size 1, with its left upper corner near (x, y)."""
    return FaceLandmarks(AVERAGE * size + (x, y, 0), presence)


class Scene:
    """A detector for pictures whose faces are known, as mappings from names to landmarks."""

    def __init__(self, frames: Sequence[dict[str, FaceLandmarks]]) -> None:
        self._frames = iter(frames)
        self._shown: dict[str, FaceLandmarks] = {}
        self.detections = 0

    def next_frame(self) -> Pixels:
        self._shown = next(self._frames)
        return np.full((600, 1200, 3), 128, np.uint8)

    def detect(
        self, frame: Pixels, *, all_sizes: bool = False, coarse: bool = False
    ) -> tuple[FaceLandmarks, ...]:
        self.detections += 1
        return tuple(sorted(self._shown.values(), key=lambda face: -face.region.side))

    def follow(self, picture: Pixels, face: FaceLandmarks) -> FaceLandmarks | None:
        """The face nearest to the place, as the mesh snaps to what it sees there."""
        region = face.region
        for other in self._shown.values():
            moved = np.hypot(other.region.x - region.x, other.region.y - region.y)
            if moved < 0.4 * region.side:
                return other
        return None


def tracked(frames: Sequence[dict[str, FaceLandmarks]], count: int) -> list[tuple[str, ...]]:
    """The names of the faces that each number has on each frame; "" for none."""
    scene = Scene(frames)
    tracker = MultiFaceTracker(scene, count=count)
    names = []
    for shown in frames:
        results = tracker.track(scene.next_frame())
        by_place = {round(face.region.x): name for name, face in shown.items()}
        names.append(
            tuple(_name(result, tracker, at, by_place) for at, result in enumerate(results))
        )
    return names


def _name(
    result: TrackedFrame, tracker: MultiFaceTracker, at: int, by_place: dict[int, str]
) -> str:
    latest = tracker._identities[at].latest
    if result.crop is None or latest is None:
        return ""
    return by_place[round(latest.region.x)]


LEFT, RIGHT = face_at(100, 100, 1.2), face_at(700, 100)


def test_faces_are_numbered_by_size() -> None:
    assert tracked([{"right": RIGHT, "left": LEFT}], count=3) == [("left", "right", "")]


def test_no_more_faces_are_tracked_than_allowed() -> None:
    frames = [{"a": LEFT, "b": RIGHT, "c": face_at(400, 300, 0.8)}] * 3
    assert set(tracked(frames, count=2)) == {("a", "b")}


def test_numbers_stay_when_the_sizes_cross_over() -> None:
    """One comes nearer while the other goes away."""
    frames = [
        {"a": face_at(100, 100, 1.6 - step / 40), "b": face_at(700, 100, 0.8 + step / 40)}
        for step in range(40)
    ]
    assert set(tracked(frames, count=2)) == {("a", "b")}


def test_two_numbers_never_have_one_face() -> None:
    """Where one passes in front of the other, the mesh of the hidden face takes the front one."""
    front = [face_at(100 + 10 * step, 100, 1.2) for step in range(60)]
    hidden = range(20, 40)
    frames = [
        {"front": face} if step in hidden else {"front": face, "back": face_at(400, 100)}
        for step, face in enumerate(front)
    ]
    names = tracked(frames, count=2)
    assert {first for first, _ in names} == {"front"}
    assert all(second in ("back", "") for _, second in names)
    assert names[-1] == ("front", "back")


def test_of_two_numbers_on_one_face_the_surer_one_stays() -> None:
    sure, unsure = face_at(100, 100, 1.0, 0.99), face_at(110, 100, 1.0, 0.7)
    neighbour = face_at(200, 100, 1.0, 0.5)
    assert _without_duplicates([unsure, neighbour, sure, None]) == [None, neighbour, sure, None]


def test_a_face_that_comes_later_gets_the_next_number() -> None:
    frames = [{"a": RIGHT}] * 5 + [{"a": RIGHT, "larger": LEFT}] * 15
    assert tracked(frames, count=3)[-1] == ("a", "larger", "")


def test_a_lost_face_is_found_again_near_its_place() -> None:
    """It keeps its number, even if it moved while it was covered."""
    moved = face_at(760, 120)
    frames = [{"a": LEFT, "b": RIGHT}, *[{"a": LEFT}] * 12, *[{"a": LEFT, "b": moved}] * 12]
    names = tracked(frames, count=3)
    assert names[6] == ("a", "", "")
    assert names[-1] == ("a", "b", "")


def test_a_chosen_face_is_never_replaced() -> None:
    """Without the chosen person, nothing is analysed, rather than somebody else."""
    frames = [{"a": LEFT, "b": RIGHT}, *[{"a": LEFT, "c": face_at(400, 300)}] * 30]
    scene = Scene(frames)
    tracker = FaceTracker(scene, 1)
    results = [tracker.track(scene.next_frame()) for _ in frames]
    assert results[0].crop is not None
    assert all(result.crop is None for result in results[1:])
    assert scene.detections < 12


def test_no_second_face_is_searched_where_one_is_wanted() -> None:
    scene = Scene([{"a": LEFT, "b": RIGHT}] * 20)
    tracker = FaceTracker(scene)
    for _ in range(20):
        tracker.track(scene.next_frame())
    assert scene.detections == 1


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ("auto", 0),
        ("largest", 0),
        (0, 0),
        (1, 1),
        (2, None),
        ((700.0, 100.0, 110.0, 110.0), 1),
        ((0.0, 0.0, 1200.0, 600.0), 0),
        ((450.0, 0.0, 50.0, 50.0), None),
        ((750.0, 150.0, 0.0, 0.0), None),
    ],
)
def test_a_face_is_chosen_by_index_or_box(choice: FaceChoice, found: int | None) -> None:
    faces = LEFT, RIGHT
    assert choose(faces, choice) is (None if found is None else faces[found])


def test_a_choice_that_fits_no_face_is_an_error_at_once() -> None:
    scene = Scene([{"a": LEFT}])
    with pytest.raises(NoFaceError, match=r"shows 1 face; there is no face 1"):
        FaceTracker(scene, 1).track(scene.next_frame())


@pytest.mark.parametrize(
    "text", ["auto", "largest", "none", "0", "12", "10,20,200,200", "-1.5,0,2,3"]
)
def test_a_choice_is_read_as_it_is_written(text: str) -> None:
    assert parse_face(format_face(parse_face(text))) == parse_face(text)


@pytest.mark.parametrize(
    "text", ["", "-1", "1.5", "1,2,3", "1,2,-3,4", "1,2,3,4,5", "all", "nan", "١"]
)
def test_other_texts_are_no_choice(text: str) -> None:
    with pytest.raises(ValueError, match="must be an index"):
        parse_face(text)


def test_one_and_all_contradict_each_other() -> None:
    check_faces("largest", "all")
    for face in ("none", 0, (1.0, 2.0, 3.0, 4.0)):
        with pytest.raises(InvalidRequestError, match="face and faces"):
            check_faces(face, "all")


def test_people_who_change_their_distance_keep_their_numbers(detector: FaceDetector) -> None:
    """By the real mesh: the left one comes nearer, and is larger than the right one at the end."""
    tracker = MultiFaceTracker(detector, count=3)
    results = [tracker.track(pixels) for pixels in nearing(24)]
    assert all(second.crop is not None and third.crop is None for _, second, third in results)
    assert {(first.scene, second.scene) for first, second, _ in results} == {(0, 0)}
    scales = [[_scale(view) for view in views[:2]] for views in (results[0], results[-1])]
    assert scales[0][0] < scales[0][1]  # crop pixels for each of the picture
    assert scales[1][0] > scales[1][1]


def nearing(count: int) -> Iterable[Pixels]:
    """Frames on which the right person goes away while the left one comes near."""
    for nearness in np.linspace(0, 1, count):
        sides = [round(size) for size in (200 + 130 * nearness, 330 - 130 * nearness)]
        yield two_people.together(*two_people.faces(), sides)


def _scale(view: TrackedFrame) -> float:
    assert view.where is not None
    return float(np.sqrt(np.linalg.det(view.where[:, :2])))
