"""Face detection: BlazeFace proposes faces, the face mesh accepts or rejects them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from off_tanet.recognition.face.blazeface import BlazeFace, Proposal
from off_tanet.recognition.face.mesh import FaceLandmarks, FaceMesh
from off_tanet.recognition.face.regions import Region
from off_tanet.recognition.face.tiling import LEAST_SHARE, levels
from off_tanet.types import Frame, Pixels

LEAST_PRESENCE = 0.5
"""The lowest presence of a face; MediaPipe's."""

LEAST_LOGIT = 0.75
"""The lowest logit of BlazeFace with which a proposal reaches the mesh, at once or looked at again.

A second look sees the face upright, in the middle, and 53 of 128 pixels high, the size at which the
logits are highest. The presence alone would accept 90 of 10,057 proposals on 567 pictures without
a face.
"""

MOST_PROPOSALS = 32
"""The number of proposals that the mesh judges on one level of tiles, the likeliest ones."""

_SECOND_LOOK = 1.6  # the side of the tile, in sides of the proposed region
_MOST_OVERLAP = 0.5


class FaceDetector:
    """Detects faces and places their landmarks.

    The work is bounded for any picture: at most 4 levels of 128 tiles, one run of BlazeFace each,
    and on each level 32 proposals with one more run of BlazeFace and 2 of the mesh. A picture of
    4:3 without a face costs at most 115 + 128 runs of BlazeFace. One with a large, clear face
    costs one, and 2 runs of the mesh.

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
        self, frame: Frame | Pixels, *, all_sizes: bool = False
    ) -> tuple[FaceLandmarks, ...]:
        """Detect the faces of a picture.

        Args:
            frame: The picture [H, W, 3].
            all_sizes: Also search for faces smaller than an eighth of the picture's shorter side
                where there are larger ones. By default they are ignored there: they cost most of
                the time and are rarely the subject.

        Returns:
            The landmarks of each face, the largest first, possibly none.
        """
        picture = frame.pixels if isinstance(frame, Frame) else frame
        height, width = picture.shape[:2]
        faces: list[FaceLandmarks] = []
        for level in levels(width, height):
            faces = self._judge(picture, self._propose(picture, level.tiles), faces)
            if not all_sizes and any(face.size >= level.least_face for face in faces):
                break
        faces.sort(key=lambda face: face.size, reverse=True)
        subject = LEAST_SHARE * min(width, height)
        if not all_sizes and faces and faces[0].size >= subject:
            faces = [face for face in faces if face.size >= subject]
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

    def _propose(self, picture: Pixels, tiles: Iterable[Region]) -> list[Proposal]:
        proposals = [it for tile in tiles for it in self._blazeface.propose(picture, tile)]
        return sorted(proposals, key=lambda it: it.logit, reverse=True)[:MOST_PROPOSALS]

    def _judge(
        self, picture: Pixels, proposals: Iterable[Proposal], known: list[FaceLandmarks]
    ) -> list[FaceLandmarks]:
        """Return the known faces and the proposals that the mesh accepts, each face once."""
        faces = list(known)
        for proposal in proposals:
            if _is_known(proposal.region, faces):
                continue
            region = self._look_again(picture, proposal)
            face = self._accept(picture, region) if region else None
            # The first landmarks depend on the proposal's box: with those of a second run, corners
            # of the crop are 0.65 px from where further runs converge to, instead of 1.65 px.
            refined = self._accept(picture, face.region) if face else None
            if refined and not _is_known(refined.region, faces):
                faces.append(refined)
        return faces

    def _look_again(self, picture: Pixels, proposal: Proposal) -> Region | None:
        """Return the region of a proposal that is likely enough, at once or looked at again."""
        region = proposal.region
        if proposal.logit >= LEAST_LOGIT:
            return region
        for again in self._blazeface.propose(picture, region.scaled(_SECOND_LOOK)):
            if again.logit >= LEAST_LOGIT and again.region.overlap(region) > _MOST_OVERLAP:
                return again.region
        return None

    def _accept(self, picture: Pixels, region: Region) -> FaceLandmarks | None:
        landmarks = self._mesh.landmarks(picture, region)
        return landmarks if landmarks.presence >= LEAST_PRESENCE else None


def _is_known(region: Region, faces: list[FaceLandmarks]) -> bool:
    return any(region.overlap(face.region) > _MOST_OVERLAP for face in faces)
