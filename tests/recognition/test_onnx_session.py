"""Opening a network: errors are one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from off_tanet.errors import ModelError
from off_tanet.recognition.onnx_session import open_session

from tests.support.paths import ROOT

MESH = ROOT / "service/off_tanet/assets/face/mesh.onnx"


def test_a_model_has_its_metadata() -> None:
    """Licence notes and model cards are stored in the file."""
    assert open_session(MESH).get_modelmeta().custom_metadata_map["licence"] == "Apache-2.0"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """By its name only: an answer must not contain paths of the server."""
    with pytest.raises(ModelError, match=r"gone\.onnx") as caught:
        open_session(tmp_path / "gone.onnx")
    assert str(tmp_path) not in caught.value.detail


@pytest.mark.parametrize("content", [b"", b"no model", MESH.read_bytes()[:5000]])
def test_a_foreign_or_truncated_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Any error of ONNX Runtime becomes a domain error."""
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.onnx"):
        open_session(path)
