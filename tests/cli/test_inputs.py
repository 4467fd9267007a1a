"""What a command reads and writes: several files, patterns, frames, standard streams, reports."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from off_tanet.cli import main
from off_tanet.configuration import ASSETS
from off_tanet.limits import MediaLimits
from off_tanet.recognition.media.video import open_clip
from off_tanet.visualization.pdf import pdf_of_png

from tests.support import factories
from tests.support.serving import SERVE

SAMPLES = ASSETS / "samples"
CLIP = SAMPLES / "clip.mp4"
PAIR = [str(SAMPLES / f"positive_{frame}.jpg") for frame in ("onset", "apex")]
FPS = "120"  # of the sample clip

Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        assert main(arguments) == code
        return capsys.readouterr().out

    return run


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """The frames of the sample clip as pictures; their numbers have two or three digits."""
    folder = tmp_path / "EP01"
    folder.mkdir()
    for frame in open_clip(CLIP.read_bytes(), MediaLimits()):
        (folder / f"img{frame.index + 90}.png").write_bytes(factories.png(frame.pixels))
    return folder


def fed(content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command with this standard input."""
    return subprocess.run([SERVE[0], *arguments], input=content, capture_output=True, timeout=60)


def without_id(answer: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in answer.items() if name not in ("id", "timings_ms")}


def test_a_folder_of_frames_is_answered_as_the_clip(run: Run, frames: Path) -> None:
    for command in ("clip", "video"):
        of_folder = json.loads(run(command, str(frames), "--fps", FPS, "--json"))
        of_clip = json.loads(run(command, str(CLIP), "--json"))
        if command == "video":
            of_folder, of_clip = (each["video"] for each in (of_folder, of_clip))
        assert without_id(of_folder) == without_id(of_clip)


def test_a_folder_of_frames_needs_a_rate(frames: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Speeds cannot be judged without it, and a guess would not be noticed."""
    assert main(["clip", str(frames)]) == 2
    assert "give their rate, --fps" in capsys.readouterr().err


def test_several_clips_are_json_lines(run: Run, tmp_path: Path) -> None:
    """As `batch` writes them. Patterns are expanded here for shells that do not."""
    for name in ("b10.mp4", "b9.mp4"):
        (tmp_path / name).write_bytes(CLIP.read_bytes())
    (tmp_path / "b11.mp4").write_bytes(b"broken")
    printed = run("clip", str(tmp_path / "b*.mp4"), "--json", code=1)
    records = [json.loads(line) for line in printed.splitlines()]
    names = [Path(record["input"]["clip"]).name for record in records]
    assert names == ["b9.mp4", "b10.mp4", "b11.mp4"]
    assert [record.get("label") for record in records] == ["surprise", "surprise", None]
    assert records[2]["problem"]["code"] == "unsupported_media_type"


def test_several_clips_have_titles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none = str(tmp_path / "none.mp4")
    assert main(["video", none, str(CLIP)]) == 1
    captured = capsys.readouterr()
    assert f"\n{CLIP}\n" in captured.out
    assert captured.err == f"off-tanet: {none}: No such file or directory. (unreadable_file)\n"


@pytest.mark.parametrize("option", [["--onset-index", "1"], ["--report", "a.png"]])
def test_options_of_one_clip_are_refused_for_several(run: Run, option: list[str]) -> None:
    run("clip", str(CLIP), str(CLIP), *option, code=2)


def test_a_clip_is_read_from_standard_input() -> None:
    for command in ("clip", "video"):
        assert json.loads(fed(CLIP.read_bytes(), command, "-", "--json").stdout)


def test_a_picture_is_read_from_standard_input() -> None:
    ran = fed(Path(PAIR[0]).read_bytes(), "predict", "-", PAIR[1], "--json")
    assert json.loads(ran.stdout)["label"] == "positive"
    assert fed(b"", "predict", "-", "-").returncode == 2
    assert b"The upload is empty." in fed(b"", "clip", "-").stderr


def test_a_batch_reads_and_writes_standard_streams() -> None:
    """In a pipe, with the summary on standard error."""
    manifest = f"clip;subject\n{CLIP};1\nnone.mp4;2\n".encode()
    ran = fed(manifest, "batch", "-", "-o", "-", "--json")
    records = {
        line["manifest"]["subject"]: line for line in map(json.loads, ran.stdout.splitlines())
    }
    assert records["1"]["label"] == "surprise"
    assert records["2"]["problem"]["code"] == "unreadable_file"
    assert json.loads(ran.stderr)["scored"] == 1


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_other_columns_are_in_the_results(run: Run, frames: Path, suffix: str) -> None:
    """Results are joined with the sheet by them; a line break in a cell must not end the line."""
    sheet = frames.parent / "sheet.csv"
    sheet.write_text('Subject,Filename,OnsetFrame,ApexFrame,"Note, long"\n1,EP01,94,102,"a\nb"\n')
    output = frames.parent / f"scores{suffix}"
    command = ["batch", str(sheet), "-o", str(output), "--fps", FPS, "--json"]
    runs = [json.loads(run(*command)) for _ in range(2)]
    assert [(each["scored"], each["skipped"]) for each in runs] == [(1, 0), (0, 1)]
    if suffix == ".csv":
        with output.open(encoding="utf-8", newline="") as file:
            (row,) = csv.DictReader(file)
        assert (row["manifest.Subject"], row["manifest.Note, long"]) == ("1", "a\\nb")
        assert (row["input.onset_index"], row["manifest.OnsetFrame"]) == ("4", "94")
    if suffix == ".jsonl":
        assert json.loads(output.read_text(encoding="utf-8"))["manifest"]["ApexFrame"] == "102"


def test_folders_of_frames_are_reported_without_a_rate(run: Run, frames: Path) -> None:
    (frames.parent / "a.mp4").write_bytes(CLIP.read_bytes())
    scores = str(frames.parent / "scores.jsonl")
    left_out = json.loads(run("batch", str(frames.parent), "-o", scores, "--json"))["left_out"]
    assert [each["file"] for each in left_out] == ["EP01"]
    assert "--fps" in left_out[0]["reason"]


def test_a_report_is_a_pdf_by_its_ending(run: Run, tmp_path: Path) -> None:
    """With the pixels of the picture, on a page of A4."""
    run("predict", *PAIR, "--report", str(tmp_path / "report.pdf"))
    run("predict", *PAIR, "--report", str(tmp_path / "report.PNG"))
    pdf = (tmp_path / "report.pdf").read_bytes()
    picture = cv2.imread(str(tmp_path / "report.PNG"))
    assert picture is not None
    np.testing.assert_array_equal(_picture_of(pdf), picture)
    assert b"/MediaBox [0 0 595.276 841.89]" in pdf


def test_every_object_of_a_pdf_is_where_its_index_says() -> None:
    """Readers repair a wrong index, but not all of them."""
    pdf = pdf_of_png(factories.png(factories.picture()), "title")
    (start,) = re.findall(rb"startxref\n(\d+)\n%%EOF\n$", pdf)
    assert pdf[int(start) :].startswith(b"xref\n0 7\n")
    places = re.findall(rb"^(\d{10}) 00000 n $", pdf, re.M)
    for number, place in enumerate(places, 1):
        assert pdf[int(place) :].startswith(f"{number} 0 obj\n".encode())
    with pytest.raises(ValueError, match="8 bits"):
        pdf_of_png(factories.png(factories.sixteen_bit(factories.picture())), "title")


def test_a_report_of_another_kind_is_refused(tmp_path: Path) -> None:
    assert main(["predict", *PAIR, "--report", str(tmp_path / "report.docx")]) == 2
    assert not list(tmp_path.iterdir())


def _picture_of(pdf: bytes) -> object:
    """Read the picture as a PDF reader does: its rows are filtered as in PNG."""
    found = re.search(rb"/Width (\d+) /Height (\d+).+?/Length (\d+) >>\nstream\n", pdf)
    assert found is not None
    width, height, length = map(int, found.groups())
    packed = pdf[found.end() : found.end() + length]
    assert len(zlib.decompress(packed)) == height * (1 + 3 * width)
    header = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    png = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    png.seek(0, 2)
    for name, content in ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")):
        png.write(factories.chunk(name, content))
    return cv2.imdecode(np.frombuffer(png.getvalue(), np.uint8), cv2.IMREAD_COLOR)
