"""Export of a checkpoint to the file that the service opens; no file if anything is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.torch
import torch
from off_tanet.recognition.classifier import Classifier, read_card
from off_tanet.recognition.onnx_session import open_session
from off_tanet_export import export as room
from off_tanet_export.checkpoint import load, save
from off_tanet_export.commands import main

from tests.model_export import examples
from tests.model_export.examples import WEIGHTS
from tests.support.paths import ROOT
from tests.support.shared import shared

pytestmark = pytest.mark.slow

ASSET = ROOT / "service/off_tanet/assets/off_tanet.onnx"


def command(checkpoint: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """`python -m off_tanet_export export`, which is `off-tanet export`, as a user runs it."""
    arguments = ["export", "--checkpoint", str(checkpoint), "--output", str(output)]
    return subprocess.run(
        [sys.executable, "-m", "off_tanet_export", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the command on our weights."""
    folder = tmp_path_factory.mktemp("export")
    save(examples.checkpoint(), folder / "example.safetensors")
    finished = command(folder / "example.safetensors", folder / "example.onnx")
    assert (finished.returncode, finished.stderr) == (0, "")
    assert sorted(path.name for path in folder.iterdir()) == ["example.onnx", "example.safetensors"]
    return folder / "example.onnx"


def test_the_file_answers_like_pytorch(exported: Path) -> None:
    """Measured again, on flow that the export itself did not check."""
    checkpoint = load(exported.with_suffix(".safetensors"))
    flow = np.random.default_rng(9).normal(size=(3, 2, 112, 112)).astype(np.float32)
    with torch.inference_mode():
        expected = checkpoint.classifier()(torch.from_numpy(flow))
    for ours, theirs in zip(
        open_session(exported).run(None, {"flow": flow}), expected, strict=True
    ):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-5)


def test_the_file_answers_like_pytorch_on_opencv_flow(exported: Path) -> None:
    """The same on OpenCV-contrib's TV-L1 of a face."""
    flow = np.load(shared("tvl1_reference.npz"))["opencv_flow"]
    checkpoint = load(exported.with_suffix(".safetensors"))
    with torch.inference_mode():
        expected, _ = checkpoint.classifier()(torch.from_numpy(flow))
    ours = np.stack([a.probabilities for a in Classifier(exported).classify_batch(flow)])
    np.testing.assert_allclose(ours, expected.numpy(), rtol=0, atol=1e-5)


def test_the_file_has_the_metadata_of_the_checkpoint(exported: Path) -> None:
    """Name, licence, scores and excluded uses are stored with the weights."""
    card = Classifier(exported).card
    assert (card.name, card.version, card.licence) == ("example", "0.0.1", "Apache-2.0")
    assert card.scores == examples.CARD.scores
    assert card.preprocessing["mirrored"] is True
    assert card.training == examples.CARD.training
    assert "frame rates" in card.limits
    assert "Article 5(1)(f)" in card.responsible_use


def test_the_file_contains_nothing_of_the_machine(exported: Path) -> None:
    """PyTorch's exporter writes stack traces with local paths into every node."""
    assert str(ROOT).encode() not in exported.read_bytes()
    assert b".py" not in exported.read_bytes()


def test_the_batch_is_free_and_the_rest_fixed(exported: Path) -> None:
    """Any runtime can read the input shapes from the file."""
    graph = onnx.load(exported).graph
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert shapes == {
        "flow": ["N", 2, 112, 112],
        "probabilities": ["N", 3],
        "attention": ["N", 14, 14],
    }


def test_a_head_for_expressive_is_exported_and_counted_apart(tmp_path: Path) -> None:
    """The service finds the output by the metadata; the network's count stays the published one."""
    checkpoint = examples.checkpoint(expressive=True)
    save(checkpoint, tmp_path / "c")
    output = tmp_path / "model.onnx"
    assert main(["export", "--checkpoint", str(tmp_path / "c"), "--output", str(output)]) == 0
    opened = Classifier(output)
    assert checkpoint.expressive is not None
    assert opened.card.parameters == 59_403
    assert opened.card.expressive_parameters == checkpoint.expressive.size
    flows = np.random.default_rng(9).normal(size=(3, 2, 112, 112)).astype(np.float32)
    with torch.inference_mode():
        *_, expected = checkpoint.classifier()(torch.from_numpy(flows))
    ours = np.array([answer.expressive for answer in opened.classify_batch(flows)], np.float32)
    np.testing.assert_allclose(ours, expected.numpy(), rtol=0, atol=1e-5)


def test_published_weights_keep_their_own_preprocessing(tmp_path: Path) -> None:
    """They were trained on raw pixels and another strain, so the graph must use those."""
    torch.save(examples.published_state(), tmp_path / "published.pth")
    output = tmp_path / "published.onnx"
    assert (
        main(["export", "--checkpoint", str(tmp_path / "published.pth"), "--output", str(output)])
        == 0
    )
    card = Classifier(output).card
    assert card.preprocessing == {
        "strain": "published",
        "map_size": 112,
        "scaling": "none",
        "mirrored": False,
        "temperature": 1.0,
    }
    assert card.licence == "GPL-3.0"


def unknown_names(path: Path) -> None:
    torch.save({"fc.weight": torch.zeros(3, 3)}, path)


def wrong_shapes(path: Path) -> None:
    state = examples.published_state()
    torch.save({**state, "dense.6.bias": torch.zeros(5)}, path)


def truncated(path: Path) -> None:
    save(examples.checkpoint(), path)
    path.write_bytes(path.read_bytes()[:1000])


def foreign(path: Path) -> None:
    safetensors.torch.save_file({"x": torch.zeros(1)}, path)


def missing(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize("make", [unknown_names, wrong_shapes, truncated, foreign, missing])
def test_bad_checkpoints_end_with_one_line_and_no_file(
    make: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 as for any wrong argument; an earlier export stays unchanged."""
    make(tmp_path / "bad")
    output = tmp_path / "out" / "model.onnx"
    output.parent.mkdir()
    for earlier in ([], ["model.onnx"]):
        for name in earlier:
            (output.parent / name).write_text("earlier")
        assert main(["export", "--checkpoint", str(tmp_path / "bad"), "--output", str(output)]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert len(printed.err.splitlines()) == 1
        assert str(tmp_path / "bad") in printed.err
        assert [path.name for path in output.parent.iterdir()] == earlier
    assert output.read_text() == "earlier"


def test_a_bad_checkpoint_ends_the_process_with_2(tmp_path: Path) -> None:
    """Through a process, where a library might print something else."""
    finished = command(tmp_path / "absent", tmp_path / "out.onnx")
    assert finished.returncode == 2
    assert finished.stderr == f"off-tanet: {tmp_path / 'absent'} does not exist\n"


def test_a_missing_folder_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the seconds that tracing takes."""
    save(examples.checkpoint(), tmp_path / "c")
    output = tmp_path / "absent" / "model.onnx"
    assert main(["export", "--checkpoint", str(tmp_path / "c"), "--output", str(output)]) == 2
    assert capsys.readouterr().err == f"off-tanet: the folder {output.parent} does not exist\n"


def spoilt(model: onnx.ModelProto) -> None:
    """Change one weight of the last layer."""
    bias = next(i for i in model.graph.initializer if i.name.endswith("head.7.bias"))
    values = onnx.numpy_helper.to_array(bias) + np.array([0.01, 0, 0], np.float32)
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))


def invalid(model: onnx.ModelProto) -> None:
    """Add a node whose input no node provides."""
    model.graph.node[-1].input[0] = "nothing"


def unnamed(model: onnx.ModelProto) -> None:
    """Make a graph that the service would refuse."""
    del model.metadata_props[:]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [(spoilt, "differ from PyTorch's by"), (invalid, "valid ONNX"), (unnamed, "refuses the graph")],
)
def test_a_failed_check_leaves_no_file(
    spoil: Callable[[onnx.ModelProto], None],
    message: str,
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A graph that differs from its weights must never reach the service."""
    checkpoint, output = exported.with_suffix(".safetensors"), tmp_path / "model.onnx"
    monkeypatch.setattr(room, "trace", lambda _: onnx.load(exported))
    set_props = onnx.helper.set_model_props

    def set_and_spoil(model: onnx.ModelProto, props: dict[str, str]) -> None:
        set_props(model, props)
        spoil(model)

    monkeypatch.setattr(onnx.helper, "set_model_props", set_and_spoil)
    output.write_text("earlier")
    assert main(["export", "--checkpoint", str(checkpoint), "--output", str(output)]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert len(printed.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert output.read_text() == "earlier"


def test_measured_flows_are_motion() -> None:
    """The export is checked on real TV-L1: zero or random flow would prove nothing."""
    flows = room.measured_flows(8)
    assert flows.shape == (8, 2, 112, 112)
    assert np.abs(flows).max(axis=(1, 2, 3)).min() > 0.3
    assert np.abs(flows).max() < 20


@pytest.fixture(scope="module")
def exported_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed weights, exported."""
    path = tmp_path_factory.mktemp("again") / "model.onnx"
    assert main(["export", "--checkpoint", str(WEIGHTS), "--output", str(path)]) == 0
    return path


def test_the_committed_model_is_the_committed_weights(exported_again: Path) -> None:
    """After a training without an export, an old model would be shipped."""
    fresh, shipped = open_session(exported_again), open_session(ASSET)
    flows = np.concatenate([room.measured_flows(4), room.random_flows(4)])
    for ours, theirs in zip(
        fresh.run(None, {"flow": flows}), shipped.run(None, {"flow": flows}), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    cards = [read_card(s.get_modelmeta().custom_metadata_map) for s in (fresh, shipped)]
    assert cards[0] == cards[1]


def test_the_committed_graph_is_the_exported_one(exported_again: Path) -> None:
    """Nodes, initializers and all other fields except the metadata, byte for byte."""
    fresh, shipped = onnx.load(exported_again), onnx.load(ASSET)
    for model in (fresh, shipped):
        del model.metadata_props[:]
    assert fresh.SerializeToString(deterministic=True) == shipped.SerializeToString(
        deterministic=True
    )
