"""Many rows on all machines of a Ray cluster, with Ray Data. Needs the extra `ray`.

Each core of the cluster has an engine with one worker, as `running` has one with all: the deadline
and the memory limit of a row hold here, too. Rows travel in small blocks; a block whose machine or
process is lost is scored again elsewhere, and its results are given once.
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

from off_tanet.batch.manifest import Row
from off_tanet.batch.runner import answered, started
from off_tanet.batch.scoring import Result, ScoreJob
from off_tanet.configuration import Configuration
from off_tanet.limits import EngineLimits
from off_tanet.types import FaceMode
from off_tanet.workers.engine import Engine

_BLOCK_ROWS = 16  # a third of a second of pairs: little to lose, and much more than Ray adds


async def scored(
    rows: Sequence[Row],
    configuration: Configuration,
    limits: EngineLimits,
    face: FaceMode = "auto",
) -> AsyncGenerator[Result]:
    """The result of every row, as they come: `running.scored` on a cluster.

    It is the cluster that RAY_ADDRESS names, or one of this machine alone. The rows' files must be
    found under the same paths on all machines. `limits.workers` is not used: all cores are.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no reports to Ray's makers
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        blocks = _blocks(rows, configuration, limits, face)
        # In a thread: Ray Data blocks while it waits, and a progress bar must not.
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            for result in block:
                yield result
    finally:
        ray.shutdown()


def _blocks(
    rows: Sequence[Row], configuration: Configuration, limits: EngineLimits, face: FaceMode
) -> Iterator[list[Result]]:
    ray.data.DataContext.get_current().enable_progress_bars = False
    cores = int(ray.cluster_resources()["CPU"])
    # Pickled, since a file's name may be what no column of text takes; absolute, since an actor's
    # working folder is another.
    there = (replace(row, folder=row.folder.absolute()) for row in rows)
    packed = [{"row": pickle.dumps(row)} for row in there]
    configuration = replace(configuration, model=configuration.model.absolute())
    blocks = ray.data.from_items(packed, override_num_blocks=-(-len(rows) // _BLOCK_ROWS))
    scorers = ray.data.ActorPoolStrategy(min_size=1, max_size=cores, initial_size=cores)
    scored = blocks.map_batches(
        _Scorer,
        fn_constructor_args=(configuration, replace(limits, workers=1, queue_size=1), face),
        compute=scorers,
        num_cpus=1,
        batch_size=None,
    )
    for batch in scored.iter_batches(batch_size=None):
        yield [pickle.loads(result) for result in batch["result"]]  # nosec B301 # our own


class _Scorer:
    """An actor of Ray Data: an engine, in an event loop that runs while there is a block."""

    def __init__(self, configuration: Configuration, limits: EngineLimits, face: FaceMode) -> None:
        self._engine = Engine(configuration, limits, (ScoreJob,))
        self._face = face
        self._runner = asyncio.Runner()
        self._runner.run(started(self._engine))

    def __call__(self, block: Mapping[str, Iterable[bytes]]) -> dict[str, list[bytes]]:
        rows = [pickle.loads(row) for row in block["row"]]  # nosec B301 # our own
        return {"result": self._runner.run(self._scored(rows))}

    async def _scored(self, rows: Sequence[Row]) -> list[bytes]:
        results = answered(self._engine, rows, self._face)
        return [pickle.dumps(result) async for result in results]
