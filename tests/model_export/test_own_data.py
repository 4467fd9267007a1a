"""Sheets of clips next to folders of frames, scored as the service processes them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from off_tanet.recognition.recognizer import Recognizer
from off_tanet.types import Crop
from off_tanet_export.checkpoint import save
from off_tanet_export.commands import main
from off_tanet_export.datasets.loading import load_clips
from off_tanet_export.errors import MapsError
from off_tanet_export.graph import FlowClassifier, PreprocessingConfig

from tests.model_export import examples
from tests.support import face_motion, factories

ONSET, APEX = 46, 59


def record(folder: Path, prefix: str, px: float, suffix: str = ".png") -> None:
    """Two frames of a smile, tightly cropped, by their numbers."""
    folder.mkdir(parents=True)
    frames = {ONSET: face_motion.face_crop(), APEX: face_motion.face_crop(face_motion.smile(px))}
    for number, pixels in frames.items():
        cv2.imwrite(str(folder / f"{prefix}{number}{suffix}"), pixels)


LAYOUTS = {
    "CASME": ("Subject,Filename,OnsetF,ApexF,Emotion", "1", "EP01_5", "sub01", "EP01_5-"),
    "CASME II": ("Subject,Filename,OnsetFrame,ApexFrame,Estimated Emotion",
                 "05", "EP02_07", "sub05", "reg_img"),
    "CAS(ME)^2": ("subject,clip,onset,apex,class", "s15", "15_0401", "s15", "img"),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_dataset_is_read_as_delivered(layout: str, tmp_path: Path) -> None:
    """Nobody should have to rename ten thousand frames."""
    header, subject, clip, folder, prefix = LAYOUTS[layout]
    record(tmp_path / folder / clip, prefix, 1.5, ".jpg")
    line = f"{subject},{clip},{ONSET},{APEX},happiness"
    (tmp_path / "mine.csv").write_text(f"{header}\n{line}\n", encoding="utf-8")
    maps = load_clips(tmp_path / "mine.csv", cropped=True)
    assert maps.maps.shape == (1, 3, 28, 28)
    assert maps.labels.tolist() == [1]
    assert maps.people.tolist() == [f"mine/{int(subject.strip('s')):03}"]


def test_a_clip_is_processed_as_by_the_service(tmp_path: Path) -> None:
    """With another detector, crop or flow, another system would be scored."""
    onset = factories.portrait()
    apex = np.roll(onset, 1, axis=0)
    folder = tmp_path / "s1" / "a"
    folder.mkdir(parents=True)
    for number, pixels in ((ONSET, onset), (APEX, apex)):
        (folder / f"img{number}.png").write_bytes(factories.png(pixels))
    (tmp_path / "one.csv").write_text(
        f"subject,clip,onset,apex,class\ns1,a,{ONSET},{APEX},surprise\n"
    )
    seen = Recognizer().frames(factories.png(onset), factories.png(apex)).flow
    preprocessing = FlowClassifier(examples.network(), PreprocessingConfig(scaling="range"))
    expected = preprocessing.maps(torch.from_numpy(seen[None]))
    np.testing.assert_array_equal(load_clips(tmp_path / "one.csv").maps, expected.numpy())


def test_onset_and_apex_of_16_bits_share_one_range(tmp_path: Path) -> None:
    """Each by its own brightest sample, one could be four times as bright as the other."""
    frames = {
        number: 4 * crop.astype(np.uint16)  # values of 10 bits
        for number, crop in ((ONSET, face_motion.face_crop()), (APEX, face_smiling()))
    }
    frames[APEX][0, 0] = 4095  # of 12
    write_clip(tmp_path, {number: factories.png(pixels) for number, pixels in frames.items()})
    pictures = [factories.png(frames[number]) for number in (ONSET, APEX)]
    flow = Recognizer().frames(*pictures, face="none").flow
    preprocessing = FlowClassifier(examples.network(), PreprocessingConfig(scaling="range"))
    expected = preprocessing.maps(torch.from_numpy(flow[None]))
    maps = load_clips(tmp_path / "one.csv", cropped=True).maps
    np.testing.assert_array_equal(maps, expected.numpy())


@pytest.mark.parametrize("number", [ONSET, APEX])
def test_a_damaged_frame_is_an_error(number: int, tmp_path: Path) -> None:
    """The service answers with a warning, but a score must not depend on lost data."""
    frames = {ONSET: jpeg(face_motion.face_crop()), APEX: jpeg(face_smiling())}
    whole = frames[number]
    frames[number] = whole[: whole.rindex(b"\xff\xda")] + b"\xff\xd9"  # without its last scan
    write_clip(tmp_path, frames)
    with pytest.raises(MapsError, match=f"img{number}.jpg: the picture is damaged"):
        load_clips(tmp_path / "one.csv", cropped=True)


def write_clip(root: Path, frames: dict[int, bytes]) -> None:
    """One clip of surprise, and the CSV that names it."""
    folder = root / "s1" / "a"
    folder.mkdir(parents=True)
    for number, data in frames.items():
        suffix = "png" if data.startswith(b"\x89PNG") else "jpg"
        (folder / f"img{number}.{suffix}").write_bytes(data)
    (root / "one.csv").write_text(f"subject,clip,onset,apex,class\ns1,a,{ONSET},{APEX},surprise\n")


def face_smiling() -> Crop:
    return face_motion.face_crop(face_motion.smile(1.5))


def jpeg(pixels: Crop) -> bytes:
    """A progressive JPEG, whose last scan only refines the picture."""
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    return cv2.imencode(".jpg", pixels, options)[1].tobytes()


def test_clips_without_a_class_or_apex_are_excluded(tmp_path: Path) -> None:
    """ "others" and "tense" have no class in MEGC2019; the datasets write / or 0 for no apex."""
    record(tmp_path / "s1" / "kept", "img", 1.0)
    lines = [
        "subject,clip,onset,apex,class",
        f"s1,kept,{ONSET},{APEX},Disgust",
        f"s1,gone,{ONSET},{APEX},others",
        f"s1,gone,{ONSET},/,fear",
        f"s1,gone,{ONSET},0,fear",
    ]
    (tmp_path / "some.csv").write_text("\n".join(lines))
    assert load_clips(tmp_path / "some.csv", cropped=True).labels.tolist() == [0]


BAD = {
    "no column": ("subject,clip,onset,class\n", "no column apex"),
    "no clips": ("subject,clip,onset,apex,class\ns1,a,1,2,others\n", "has no clip"),
    "no cell": ("subject,clip,onset,apex,class\ns1,a,46\n", "line 2: 3 cells instead of 5"),
    "nothing": ("", "no column subject"),
    "no number": (
        "subject,clip,onset,apex,class\ns1,a,one,59,fear\n",
        "line 2: s1/a: onset must be a frame number, not 'one'",
    ),
    "no folder": ("subject,clip,onset,apex,class\ns1,b,46,59,fear\n", "does not exist"),
    "no frame": ("subject,clip,onset,apex,class\ns1,a,46,60,fear\n", "s1/a: there is no frame 60"),
    "no picture": ("subject,clip,onset,apex,class\ns1,a,46,61,fear\n", "img61.png: "),
    "no face": ("subject,clip,onset,apex,class\ns1,a,46,59,fear\n", "s1/a: no face"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_unusable_clips_are_reported(kind: str, tmp_path: Path) -> None:
    """Silently skipped clips would make a score over those that happened to work."""
    text, message = BAD[kind]
    folder = tmp_path / "s1" / "a"
    folder.mkdir(parents=True)
    for number in (ONSET, APEX):
        (folder / f"img{number}.png").write_bytes(factories.png(factories.picture()))
    (folder / "img61.png").write_text("words")
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(MapsError, match=message) as caught:
        load_clips(tmp_path / "bad.csv")
    assert "\n" not in str(caught.value)


def test_files_that_are_not_csv_are_refused(tmp_path: Path) -> None:
    """Missing, or with other content."""
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xff\x00\x81")
    for name, message in {"absent.csv": "does not exist", "bytes.csv": "not a CSV"}.items():
        with pytest.raises(MapsError, match=message):
            load_clips(tmp_path / name)


def test_the_command_scores_two_datasets_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two datasets in one pool, each a row of the table."""
    for name in ("casme", "casme2"):
        record(tmp_path / name / "sub01" / "clip", "img", 1.0)
        line = f"1,clip,{ONSET},{APEX},happiness"
        (tmp_path / name / f"{name}.csv").write_text(f"subject,clip,onset,apex,class\n{line}\n")
    save(examples.checkpoint(), tmp_path / "c")
    files = [str(tmp_path / name / f"{name}.csv") for name in ("casme", "casme2")]
    arguments = ["evaluate", "--checkpoint", str(tmp_path / "c"), "--cropped", "--maps", *files]
    assert main(arguments) == 0
    rows = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()[1:4]}
    assert rows == {"casme": "1", "casme2": "1", "pooled": "2"}
