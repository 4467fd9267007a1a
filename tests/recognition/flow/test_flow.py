"""The flow: it equals the field's reference, and accepts or refuses sizes and inputs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from off_tanet.recognition.flow import build_name, builds, tvl1

from tests.recognition.flow.flow_builds import RUNNABLE, override
from tests.support.shared import shared

each_build = pytest.mark.usefixtures("build")


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def end_point_error(flow: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    return float(np.sqrt(((flow - truth) ** 2).sum(axis=1)).mean())


def test_it_equals_opencv(build: str) -> None:
    """The network was trained on OpenCV's flow; another flow would be another input."""
    assert build_name() == build
    reference = np.load(shared("tvl1_reference.npz"))
    opencv, truth = reference["opencv_flow"], reference["true_flow"]
    ours = np.stack(list(map(tvl1, reference["onset"], reference["apex"])))
    assert np.abs(ours - opencv).mean() <= 0.02
    assert abs(end_point_error(ours, truth) - end_point_error(opencv, truth)) <= 0.002


@each_build
def test_motion_to_the_right_and_down_is_positive() -> None:
    """Everything after the flow relies on this convention."""
    y, x = np.mgrid[0:64, 0:64]
    onset = (127 + 60 * np.sin(x / 5) + 60 * np.cos(y / 6)).astype(np.uint8)
    apex = np.roll(onset, (1, 2), axis=(0, 1))
    u, v = tvl1(onset, apex)[:, 12:-12, 12:-12]
    assert np.median(u) == pytest.approx(2, abs=0.2)
    assert np.median(v) == pytest.approx(1, abs=0.2)


@each_build
@pytest.mark.parametrize("apex_level", [90, 140])
def test_frames_without_texture_do_not_move(apex_level: int) -> None:
    """A change of light on an even surface is not motion."""
    assert not tvl1(np.full((40, 50), 90, np.uint8), np.full((40, 50), apex_level, np.uint8)).any()


@each_build
@pytest.mark.parametrize("shape", [(16, 16), (17, 31), (112, 112), (40, 1024), (1024, 40)])
def test_identical_frames_do_not_move(shape: tuple[int, int]) -> None:
    """A still face is valid input, and its flow must be exactly zero."""
    frame = noise(*shape)
    assert not tvl1(frame, frame.copy()).any()


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(16, 70), st.integers(16, 70))))
def test_any_still_image_is_still(frame: NDArray[np.uint8]) -> None:
    """Flat parts and single bright pixels could cause a division by zero."""
    assert not tvl1(frame, frame.copy()).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(16, 90), st.integers(16, 90), st.integers(0, 2**32 - 1))
def test_any_size_gives_a_finite_flow(height: int, width: int, seed: int) -> None:
    """Rows that do not fill a vector, and scales at the smallest side, could cause index errors."""
    result = tvl1(noise(height, width, seed=seed), noise(height, width, seed=seed + 1))
    assert result.shape == (2, height, width)
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


@each_build
@pytest.mark.parametrize(("height", "width"), [(16, 1024), (1024, 16)])
def test_the_longest_sides_work(height: int, width: int) -> None:
    """The documented range is valid at both ends."""
    assert np.isfinite(tvl1(noise(height, width), noise(height, width, seed=1))).all()


@each_build
@pytest.mark.parametrize("width", [33, 48, 63])
def test_a_mirrored_pair_has_the_mirrored_flow(width: int) -> None:
    """Both borders are treated alike, wherever a row ends."""
    y, x = np.mgrid[0:40, 0:width]
    onset = (127 + 50 * np.sin(x / 4) * np.cos(y / 5) + 40 * np.sin(x * y / 90)).astype(np.uint8)
    apex = np.roll(onset, 1, axis=1)
    u, v = tvl1(onset, apex)
    mirrored_u, mirrored_v = tvl1(onset[:, ::-1], apex[:, ::-1])[:, :, ::-1]
    assert np.abs(u + mirrored_u).mean() < 0.1
    assert np.abs(v - mirrored_v).mean() < 0.1


def test_a_view_equals_its_copy() -> None:
    """Crops are often slices of a larger image."""
    onset, apex = noise(80, 80)[::2, 10:60].T, noise(80, 80, seed=1)[::2, 10:60].T
    np.testing.assert_array_equal(tvl1(onset, apex), tvl1(onset.copy(), apex.copy()))


@pytest.mark.parametrize(
    ("onset", "apex", "sentence"),
    [
        (noise(20, 20), noise(20, 21), "sizes differ"),
        (noise(20, 20).astype(np.float32), noise(20, 20), "onset is no uint8 array"),
        (noise(20, 20), noise(20, 20).astype(np.int8), "apex is no uint8 array"),
        (noise(20, 20, 3), noise(20, 20), r"onset is no uint8 array \[H, W\]"),
        (noise(20, 20).tolist(), noise(20, 20), "onset is no uint8 array"),
        (noise(15, 20), noise(15, 20), "16 to 1024"),
        (noise(20, 1025), noise(20, 1025), "16 to 1024"),
        (noise(0, 20), noise(0, 20), "16 to 1024"),
    ],
)
def test_invalid_arrays_are_refused(onset: object, apex: object, sentence: str) -> None:
    """The kernel reads raw memory: anything but two equal grey images must be refused before it."""
    with pytest.raises(ValueError, match=sentence):
        tvl1(onset, apex)  # type: ignore[arg-type]


def test_the_fastest_build_is_chosen() -> None:
    """Users need not know their processor's instruction sets."""
    with override(None):
        assert build_name() == next(name for name in builds.NAMES if name in RUNNABLE)


def test_a_build_that_cannot_run_is_refused() -> None:
    """An override must neither use another build silently nor end in an illegal instruction."""
    message = "OFF_TANET_FLOW_BUILD is 'avx1024'; this machine has"
    with override("avx1024"), pytest.raises(ValueError, match=message):
        build_name()


def test_other_threads_run_meanwhile() -> None:
    """The flow must not block the event loop: its thread is observed halfway through."""
    onset, apex = noise(500, 500), noise(500, 500, seed=1)
    clock: list[int] = []
    used: list[float] = []
    started, read = threading.Event(), threading.Event()

    def work() -> None:
        clock.append(time.pthread_getcpuclockid(threading.get_ident()))
        started.set()
        tvl1(onset, apex)
        used.append(time.thread_time())
        read.wait()  # a thread's clock ends with it

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    seen = []
    while not used:
        seen.append(time.clock_gettime(clock[0]))
    read.set()
    thread.join()
    assert any(0.25 * used[0] < moment < 0.75 * used[0] for moment in seen)


def test_denormal_numbers_survive() -> None:
    """A library linked with -ffast-math would flush them to zero in the whole process."""
    program = (
        "import numpy as np\n"
        "from off_tanet.recognition.flow import tvl1\n"
        "frame = np.zeros((16, 16), np.uint8)\n"
        "tvl1(frame, frame)\n"
        "assert np.float32(1e-38) * np.float32(0.01) > 0\n"
        "assert np.float64(1e-308) * np.float64(0.01) > 0\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
