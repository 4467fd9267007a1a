"""Scores rows on all machines of a Ray cluster, with Ray Data. Needs the extra `ray`.

Each core of the cluster runs an engine with one worker, so that the deadline and the memory limit
of a row apply as in `runner`. Rows are sent in small blocks. If a machine or process is lost, its
block is scored again elsewhere; each result is returned once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import ray
import ray.data

from off_tanet.batch.rows import Row
from off_tanet.batch.runner import score_with, start_engine
from off_tanet.batch.scoring import Result, ScoreJob
from off_tanet.configuration import Configuration
from off_tanet.face_choice import FaceChoice
from off_tanet.limits import EngineLimits
from off_tanet.workers.engine import Engine

_BLOCK_ROWS = 16  # a third of a second of pairs: cheap to repeat, far above Ray's overhead


async def score_rows(
    rows: Sequence[Row],
    configuration: Configuration,
    limits: EngineLimits,
    face: FaceChoice = "auto",
) -> AsyncGenerator[Result]:
    """Score rows on the cluster that RAY_ADDRESS names, or else on a local one.

    Args:
        rows: The rows; their files must have the same paths on all machines.
        configuration: The configuration of each Recognizer; the model, too, is opened by path.
        limits: Deadline and memory limit of a row. `workers` is ignored: all cores are used.
        face: The face to analyse, as for `Recognizer`.

    Yields:
        The result of each row, in the order of completion.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # sends no usage reports
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        blocks = _blocks(rows, configuration, limits, face)
        # In a thread, since Ray Data blocks and the progress bar must go on.
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            for result in block:
                yield result
    finally:
        ray.shutdown()


def _blocks(
    rows: Sequence[Row], configuration: Configuration, limits: EngineLimits, face: FaceChoice
) -> Iterator[list[Result]]:
    ray.data.DataContext.get_current().enable_progress_bars = False
    cores = int(ray.cluster_resources()["CPU"])
    # Pickled, since file names need not be valid text; absolute, since an actor has another
    # working directory.
    absolute = (replace(row, folder=row.folder.absolute()) for row in rows)
    packed = [{"row": pickle.dumps(row)} for row in absolute]
    configuration = replace(configuration, model=configuration.model.absolute())
    blocks = ray.data.from_items(packed, override_num_blocks=-(-len(rows) // _BLOCK_ROWS))
    scorers = ray.data.ActorPoolStrategy(min_size=1, max_size=cores, initial_size=cores)
    scored_blocks = blocks.map_batches(
        _Scorer,
        fn_constructor_args=(configuration, replace(limits, workers=1, queue_size=1), face),
        compute=scorers,
        num_cpus=1,
        batch_size=None,
    )
    for batch in scored_blocks.iter_batches(batch_size=None):
        yield [pickle.loads(result) for result in batch["result"]]  # nosec B301 # pickled by this program


class _Scorer:
    """An actor of Ray Data: an engine in an event loop, which runs while a block is scored."""

    def __init__(
        self, configuration: Configuration, limits: EngineLimits, face: FaceChoice
    ) -> None:
        self._engine = Engine(configuration, limits, (ScoreJob,))
        self._face = face
        self._runner = asyncio.Runner()
        self._runner.run(start_engine(self._engine))

    def __call__(self, block: Mapping[str, Iterable[bytes]]) -> dict[str, list[bytes]]:
        rows = [pickle.loads(row) for row in block["row"]]  # nosec B301 # pickled by this program
        return {"result": self._runner.run(self._score(rows))}

    async def _score(self, rows: Sequence[Row]) -> list[bytes]:
        results = score_with(self._engine, rows, self._face)
        return [pickle.dumps(result) async for result in results]
