"""A BentoML service with two workers: `bentoml serve tests.benchmarks.peers.bentoml_app:Peer`."""

from pathlib import Path

import bentoml  # type: ignore[import-not-found]

from tests.benchmarks.peers import recognition


@bentoml.service(workers=2, traffic={"timeout": 60})
class Peer:
    """Takes a form, whose files the framework stores in a temporary folder."""

    def __init__(self) -> None:
        self.answer = recognition.load()

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, onset: Path, apex: Path) -> dict[str, float]:
        return self.answer(onset.read_bytes(), apex.read_bytes())
