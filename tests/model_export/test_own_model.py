"""From databases as delivered to answers over HTTP, with classes of one's own."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from off_tanet.cli import main as off_tanet
from off_tanet.client import Client
from off_tanet_export.commands import main

from tests.support.face_motion import face_crop, smile
from tests.support.factories import encoded
from tests.support.made_databases import DATABASES
from tests.support.requests import ask_frames
from tests.support.serving import Server, serving

CLASSES = ("Lächeln", "eyes up", "the rest")
EMOTIONS = (
    "Lächeln=happiness,positive",
    "eyes up=surprise",
    "the rest=anger,disgust,negative,repression,fear,sadness,others,tense",
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every made database is read, one model is trained on all of them, and exported."""
    home = tmp_path_factory.mktemp("walk")
    files = []
    for name, make in DATABASES.items():
        root = home / name
        root.mkdir()
        made = make(root)
        output = home / f"{name}.npz"
        read = ["--database", name, str(root), "--output", str(output), "--cropped"]
        classes = ["--classes", *EMOTIONS, "--skip-unusable"]
        assert main(["data", "read", *read, *made.options, *classes]) == 0
        files.append(str(output))
    weights, model = home / "ours.safetensors", home / "ours.onnx"
    about = ["--version", "0.1", "--licence", "research only"]
    training = ["--epochs", "2", "--batch", "8", *about]
    assert main(["train", "--data", *files, "--output", str(weights), *training]) == 0
    assert main(["export", "--checkpoint", str(weights), "--output", str(model)]) == 0
    return model


@pytest.fixture(scope="module")
def served(exported: Path) -> Iterator[Server]:
    with serving(exported.parent, model=exported, workers=1) as server:
        yield server


@pytest.fixture(scope="module")
def crops() -> tuple[bytes, bytes]:
    return encoded(face_crop(), ".png"), encoded(face_crop(smile(1.5)), ".png")


@pytest.mark.slow
def test_the_service_answers_with_the_classes_of_the_databases(
    served: Server, crops: tuple[bytes, bytes]
) -> None:
    """Nothing of the service may know the shipped model's three classes."""
    with served.client() as http:
        card = http.get("/v1/model").json()
        answer = ask_frames(http, *crops, face="none", include="report").json()
        described = http.get("/v2/models/ours").json()
        document = http.get("/openapi.json").json()
    assert tuple(card["classes"]) == CLASSES
    assert (card["name"], card["version"], card["licence"]) == ("ours", "0.1", "research only")
    assert card["training_data"].startswith("recordings of ")
    assert all(f"{name} (" in card["training_data"] for name in DATABASES)
    assert card["scores"] == {}
    assert tuple(answer["probabilities"]) == CLASSES
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["label"] in (*CLASSES, None)
    assert answer["model"] == {"name": "ours", "version": "0.1"}
    assert answer["report"].startswith("data:image/png;base64,")
    example = document["components"]["examples"]["named"]["value"]
    assert tuple(example["probabilities"]) == CLASSES
    assert (example["label"], example["model"]) == (CLASSES[-1], answer["model"])
    assert "surprise" not in json.dumps(document)
    shapes = {output["name"]: output["shape"] for output in described["outputs"]}
    assert shapes["probabilities"] == [-1, len(CLASSES)]


@pytest.mark.slow
def test_the_client_has_the_same_classes(served: Server, crops: tuple[bytes, bytes]) -> None:
    """Its values are those of a local `Recognizer`, of whatever model."""
    with Client(served.url) as client:
        client_card = client.card.classes
        prediction = client.frames(*crops, face="none")
    assert tuple(prediction.probabilities) == CLASSES
    assert client_card == CLASSES


@pytest.mark.slow
def test_tables_have_a_column_for_each_class(
    exported: Path, crops: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of the model, for whoever reads them without its card."""
    for name, data in zip(("onset", "apex"), crops, strict=True):
        (tmp_path / f"{name}.png").write_bytes(data)
    (tmp_path / "rows.csv").write_text("onset,apex\nonset.png,apex.png\n")
    monkeypatch.setenv("OFF_TANET_MODEL", str(exported))
    output = tmp_path / "out.csv"
    rows = ["batch", str(tmp_path / "rows.csv"), "--output", str(output), "--face", "none"]
    assert off_tanet(rows) == 0
    with output.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    named = [name for name in row if name.startswith("probabilities.")]
    assert named == [f"probabilities.{name}" for name in CLASSES]
    assert sum(float(row[name]) for name in named) == pytest.approx(1)
