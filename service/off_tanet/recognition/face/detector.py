"""Face detection: BlazeFace proposes faces, the face mesh accepts or rejects them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from off_tanet.recognition.face.blazeface import BlazeFace, Proposal
from off_tanet.recognition.face.mesh import FaceLandmarks, FaceMesh
from off_tanet.recognition.face.regions import Region
from off_tanet.recognition.face.tiling import LEAST_SHARE, Level, levels
from off_tanet.types import Frame, Pixels

LEAST_PRESENCE = 0.5
"""The lowest presence of a face; MediaPipe's."""

LEAST_SCORE = 1.18
"""The lowest score of a face: BlazeFace's logit plus a tenth of the presence's logit.

At 1.18 the detector finds no face on 567 pictures without any, and 99.3% of the 302 faces of made
crowds. With a limit for the logit alone the same costs 1% of the faces of the crowds; with the
presence alone there are 90 false faces.
"""

SURE_LOGIT = 1.0
"""A proposal of a lower logit is looked at again, on a tile of its own.

There the face is upright, in the middle, and 53 of 128 pixels high, the size at which the logits
are highest: 2.5 on average of faces from 40 pixels on.
"""

MOST_PROPOSALS = 32
"""The number of proposals that are judged on one level of tiles, the likeliest ones."""

MOST_REJECTED = 16
"""A level ends with this number of proposals in a row that are no faces."""

LEVELS, ALL_LEVELS = 3, 4
"""The levels of tiles by default, and for all sizes.

The last of three levels is for faces from 1/32 of the shorter side on: 34 pixels at 1080p. A fourth
one takes three quarters of the time.
"""

MOST_RUNS = 6
"""The number of runs of the mesh for one face."""

_SETTLED = 0.04  # of the region's side; 2% of large, upright faces take a third run
_SECOND_LOOK = 1.6  # the side of the tile, in sides of the proposed region
_MOST_OVERLAP = 0.5
_LEAST_SUBJECT = 2 / 3 * LEAST_SHARE  # of the shorter side; the limit less what sizes vary


class FaceDetector:
    """Detects faces and places their landmarks.

    The work is bounded for any picture: at most 3 levels (for all sizes 4) of 128 tiles, one run of
    BlazeFace each, and on each level 32 proposals with one more run of BlazeFace and 6 of the mesh:
    480 (640) runs of BlazeFace and 576 (768) of the mesh. A picture of 4:3 without a face costs at
    most 75 (179) and 288 (384) runs; one with a large, clear face costs 1 and 2.

    Args:
        assets: The folder whose subfolder `face` contains the networks.
        threads: The number of threads of each network.

    Raises:
        ModelError: If a file is missing or cannot be run.
    """

    def __init__(self, assets: Path, threads: int = 1) -> None:
        folder = assets / "face"
        self._blazeface = BlazeFace(folder / "detector_short_range.onnx", threads)
        self._mesh = FaceMesh(folder / "mesh.onnx", threads)

    def detect(
        self, frame: Frame | Pixels, *, all_sizes: bool = False, coarse: bool = False
    ) -> tuple[FaceLandmarks, ...]:
        """Detect the faces of a picture.

        Args:
            frame: The picture [H, W, 3].
            all_sizes: Also search for faces smaller than an eighth of the picture's shorter side
                where there are larger ones, and down to 1/64 of it instead of 1/32. By default
                they are ignored there: they cost most of the time and are rarely the subject.
            coarse: Only search for faces from an eighth of the shorter side on, in a fifth to a
                fifteenth of the time where there is none.

        Returns:
            The landmarks of each face, the largest first, possibly none.
        """
        picture = frame.pixels if isinstance(frame, Frame) else frame
        height, width = picture.shape[:2]
        faces: list[FaceLandmarks] = []
        most = 1 if coarse else ALL_LEVELS if all_sizes else LEVELS
        for number, level in enumerate(levels(width, height, most)):
            proposals = self._propose(picture, level, coarsest=number == 0)
            faces = self._judge(picture, proposals, faces)
            # The first level misses 6% of the faces near its limit: where it finds several faces,
            # the second one is searched too.
            is_crowd = number == 0 and len(faces) > 1
            if any(face.size >= level.least_face for face in faces) and not (all_sizes or is_crowd):
                break
        faces.sort(key=lambda face: face.size, reverse=True)
        shorter = min(width, height)
        if not all_sizes and faces and faces[0].size >= LEAST_SHARE * shorter:
            faces = [face for face in faces if face.size >= _LEAST_SUBJECT * shorter]
        return tuple(faces)

    def follow(self, picture: Pixels, face: FaceLandmarks) -> FaceLandmarks | None:
        """Place the landmarks of a known face on a later frame, without detection.

        Args:
            picture: The later frame [H, W, 3].
            face: The face on an earlier frame.

        Returns:
            The face on the later frame, or None if it is gone.
        """
        return self._accept(picture, face.region)

    def _propose(self, picture: Pixels, level: Level, *, coarsest: bool) -> list[Proposal]:
        """Return the proposals of all tiles of a level, the likeliest first.

        Finer levels leave out what is as large as half a tile, and what is weak because the
        picture cuts it off: a coarser level has proposed those.
        """
        proposals = [it for tile in level.tiles for it in self._blazeface.propose(picture, tile)]
        if not coarsest:
            largest = level.tiles[0].side / 2
            proposals = [it for it in proposals if it.region.face_size < largest and not it.is_weak]
        return sorted(proposals, key=lambda it: it.logit, reverse=True)

    def _judge(
        self, picture: Pixels, proposals: Iterable[Proposal], known: list[FaceLandmarks]
    ) -> list[FaceLandmarks]:
        """Return the known faces and the proposals that the mesh accepts, each face once."""
        faces, judged, rejected = list(known), 0, 0
        for proposal in proposals:
            if judged == MOST_PROPOSALS or rejected == MOST_REJECTED:
                break
            if _is_known(proposal.region, faces) or (faces and proposal.is_weak):
                continue
            face = self._find(picture, proposal)
            judged, rejected = judged + 1, 0 if face else rejected + 1
            if face and not _is_known(face.region, faces):
                faces.append(face)
        return faces

    def _find(self, picture: Pixels, proposal: Proposal) -> FaceLandmarks | None:
        """Return the face of a proposal, if there is one."""
        likely = self._look_again(picture, proposal)
        face = self._settle(picture, likely.region) if likely else None
        if not likely or not face:
            return None
        odds = face.presence / max(1 - face.presence, 1e-4)
        return face if likely.logit + math.log(odds) / 10 >= LEAST_SCORE else None

    def _settle(self, picture: Pixels, region: Region) -> FaceLandmarks | None:
        """Return the landmarks of a face whose region is roughly known.

        The first landmarks depend on that region. With those of a second run, the crop's corners
        are 0.7 px from where further runs converge to, instead of 1.8 px. More runs follow while
        the region moves: BlazeFace gives half of the angle of a strong tilt, and a region twice
        as large as a small face.
        """
        face = self._accept(picture, region)
        for _ in range(MOST_RUNS - 1):
            if not face:
                break
            region = face.region
            face = self._accept(picture, region)
            if face and face.region.distance(region) < _SETTLED * region.side:
                break
        return face

    def _look_again(self, picture: Pixels, proposal: Proposal) -> Proposal | None:
        """Return the proposal as it is on a tile of its own, or None if it is not confirmed."""
        region = proposal.region
        if proposal.logit >= SURE_LOGIT:
            return proposal
        for again in self._blazeface.propose(picture, region.scaled(_SECOND_LOOK)):
            if again.logit > 0 and again.region.overlap(region) > _MOST_OVERLAP:
                return again
        return None

    def _accept(self, picture: Pixels, region: Region) -> FaceLandmarks | None:
        landmarks = self._mesh.landmarks(picture, region)
        return landmarks if landmarks.presence >= LEAST_PRESENCE else None


def _is_known(region: Region, faces: list[FaceLandmarks]) -> bool:
    return any(region.overlap(face.region) > _MOST_OVERLAP for face in faces)
