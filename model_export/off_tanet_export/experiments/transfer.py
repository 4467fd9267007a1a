"""What transfers from one kind of synthetic motion to the others: chosen without any real face.

    python -m off_tanet_export.experiments.transfer FOLDER --processes 16 --device cuda

Renders photographs, footage and fields. Each candidate, which differs from the recipe in one point,
is trained on one kind and scored on the others. The candidates that help there by more than their
standard error make up the configuration of the last trainings: on photographs alone, on all kinds,
on all kinds with the probabilities of wider teachers, and on finer maps. Nothing here reads
recordings of people; `decision` scores what comes out once.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from off_tanet_export.checkpoint import Card, Checkpoint, save
from off_tanet_export.datasets.flow_maps import MAP_SIZE
from off_tanet_export.graph import PreprocessingConfig
from off_tanet_export.metrics import confusion, uf1
from off_tanet_export.network.model import OffTanet
from off_tanet_export.synthesis.flow_dataset import MARGIN, FlowDataset, concatenate, draw_fields
from off_tanet_export.synthesis.footage import Footage, FootageConfig, PriorName
from off_tanet_export.synthesis.generator import Nuisances
from off_tanet_export.synthesis.rendering import Rendering, Scene
from off_tanet_export.training.augmentation import Cropping, move_flows, random_transforms
from off_tanet_export.training.batches import batches
from off_tanet_export.training.calibration import calibrate_classes
from off_tanet_export.training.flow_errors import FlowErrors
from off_tanet_export.training.train import Training, train_on

FINE = 2 * MAP_SIZE
KINDS = ("photographs", "annotated", "anatomical", "fields")
HELD_OUT = 3000
CHUNK = 300
BATCH = 256
TEACHERS, TEACHER_WIDTH, PLACEMENTS = 3, 3, 4

RECIPE = Training(samples=48_000, batch=128, learning_rate=3e-3)
WIDER = Cropping(right=0.032, down=0.072, scale=0.032, across=0.048, along=0.064, turn=0.048)
CANDIDATES: Mapping[str, Training] = {
    "recipe": RECIPE,
    "affine": replace(RECIPE, flow_errors=FlowErrors(affine=0.3)),
    "smooth": replace(RECIPE, flow_errors=FlowErrors(smooth=0.3)),
    "fade": replace(RECIPE, flow_errors=FlowErrors(fade=0.5)),
    "blur": replace(RECIPE, flow_errors=FlowErrors(blur=0.8)),
    "cropping": replace(RECIPE, cropping=WIDER),
    "decay": replace(RECIPE, weight_decay=5e-2),
    "smoothing": replace(RECIPE, label_smoothing=0.2),
    "samples": replace(RECIPE, samples=96_000),
}
DIRECTIONS = (
    (("photographs",), ("annotated", "anatomical", "fields")),
    (("annotated", "anatomical"), ("photographs", "fields")),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A training: on which kinds, how, and the name of its weights, if they are kept."""

    kinds: tuple[str, ...]
    training: Training
    tested: tuple[str, ...] = ()
    name: str = ""
    width: int = 1
    side: int = MAP_SIZE
    suffix: str = ""


def render(folder: Path, pairs: int, pool: ProcessPoolExecutor) -> None:
    """Render each kind and its held-out part; the held-out part has seeds of its own."""
    parts = (("", 0, pairs), ("-held", 993, min(HELD_OUT, pairs)))
    for kind, (suffix, seed, most) in product(KINDS, parts):
        count = most // 2 if kind in ("annotated", "anatomical") else most
        sizes = [min(CHUNK, count - first) for first in range(0, count, CHUNK)]
        jobs = [(kind, (seed, number), size) for number, size in enumerate(sizes)]
        made = list(pool.map(_render, *zip(*jobs, strict=True)))
        write(folder / f"{kind}{suffix}", concatenate(made))


def _render(kind: str, seed: tuple[int, int], pairs: int) -> FlowDataset:
    cv2.setNumThreads(1)
    if kind == "fields":
        return draw_fields(1000 * seed[0] + seed[1], pairs, Nuisances())
    if kind == "photographs":
        return FlowDataset.of_classes(*Rendering(seed, Scene()).draw(pairs, FINE))
    priors: PriorName = "annotated" if kind == "annotated" else "anatomical"
    return Footage(seed, FootageConfig(priors=priors)).draw(pairs, FINE)


def write(path: Path, data: FlowDataset) -> None:
    """Write a data set, and the same at the side of the field's maps if it is finer."""
    np.save(f"{path}_targets.npy", data.targets)
    np.save(f"{path}_{data.flows.shape[-1]}.npy", data.flows)
    if data.flows.shape[-1] == FINE:
        count = len(data.flows)
        coarse = data.flows.reshape(count, 2, MAP_SIZE, 2, MAP_SIZE, 2).mean((3, 5))
        np.save(f"{path}_{MAP_SIZE}.npy", coarse)


def read(folder: Path, kind: str, side: int = MAP_SIZE, suffix: str = "") -> FlowDataset:
    """Read a data set; only pairs with an expression. `suffix` names other targets."""
    stem = folder / kind
    path = f"{stem}_{MAP_SIZE + 2 * MARGIN if kind.startswith('fields') else side}.npy"
    targets = np.load(f"{stem}_targets{suffix}.npy")
    shown = targets.sum(1) > 0
    data = FlowDataset(np.load(path), targets, np.full(len(targets), np.nan, np.float32))
    return data.select(shown)


def run(folder: Path, device: str, job: Run) -> list[float]:
    """Train, save weights that have a name, and return UF1 on each kind that it is tested on."""
    torch.set_num_threads(1)
    chosen = torch.device(device)
    data = [read(folder, kind, job.side, job.suffix) for kind in job.kinds]
    made = train_on(data, job.training, chosen, width=job.width, map_size=job.side)
    if job.name and job.width == 1:
        held = read(folder, f"{job.kinds[0]}-held", job.side)
        sampled = Training(seed=993, batch=900, samples=900, cropping=job.training.cropping)
        made = calibrate_classes(made, next(batches(sampled, [held], job.side)), certain=True)
        save(made, folder / f"{job.name}-{job.training.seed}.safetensors")
    elif job.name:
        torch.save(made.network.state_dict(), folder / f"{job.name}-{job.training.seed}.pt")
    return [test(made, read(folder, f"{kind}-held", job.side), chosen) for kind in job.tested]


def test(made: Checkpoint, held: FlowDataset, device: torch.device) -> float:
    """Return UF1 on held-out pairs in displaced crops."""
    sampled = Training(seed=7, batch=len(held.flows), samples=len(held.flows))
    batch = next(batches(sampled, [held], made.preprocessing.map_size))
    found = probabilities(made, batch.flows, device).argmax(1).numpy()
    return float(uf1(confusion(batch.targets.argmax(1).numpy(), found)))


def probabilities(made: Checkpoint, flows: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Compute the probabilities [N, 3] of flows."""
    classifier = made.classifier().to(device)
    with torch.inference_mode():
        parts = torch.split(flows, BATCH)
        return torch.cat([classifier(part.to(device))[0].cpu() for part in parts])


def choose(scores: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Return the candidates that beat the recipe by more than the standard error.

    Args:
        scores: UF1 of each candidate in each direction and seed, in one order.
    """
    chosen = []
    for name in list(CANDIDATES)[1:]:
        gains = scores[name] - scores["recipe"]
        error = gains.std(ddof=1) / np.sqrt(len(gains))
        print(
            f"{name:<10} {scores[name].mean():.3f} {gains.mean():+.3f} +- {error:.3f}", flush=True
        )
        if gains.mean() > error:
            chosen.append(name)
    return chosen


def combine(names: Sequence[str]) -> Training:
    """Return the recipe with the differences of these candidates."""
    combined = RECIPE
    for name in names:
        candidate = CANDIDATES[name]
        if name in ("affine", "smooth", "fade", "blur"):
            size = getattr(candidate.flow_errors, name)
            sizes = replace(combined.flow_errors, **{name: size})
            combined = replace(combined, flow_errors=sizes)
        else:
            field = {"decay": "weight_decay", "smoothing": "label_smoothing"}.get(name, name)
            combined = replace(combined, **{field: getattr(candidate, field)})
    return combined


def teach(folder: Path, device: str, training: Training, kind: str) -> None:
    """Write the mean probabilities of all teachers over several placements as targets."""
    torch.set_num_threads(1)
    data = read(folder, kind)
    flows = torch.from_numpy(data.flows)
    generator = torch.Generator().manual_seed(11)
    total = torch.zeros(len(flows), data.targets.shape[1])
    for seed, _ in product(range(TEACHERS), range(PLACEMENTS)):
        made = _teacher(folder, seed)
        linear, shift = random_transforms(len(flows), training.cropping, generator)
        parts = zip(*(torch.split(part, 4096) for part in (flows, linear, shift)), strict=True)
        moved = torch.cat([move_flows(part, MAP_SIZE, a, b) for part, a, b in parts])
        total += probabilities(made, moved, torch.device(device))
    targets = np.load(folder / f"{kind}_targets.npy")
    targets[targets.sum(1) > 0] = (total / (TEACHERS * PLACEMENTS)).numpy()
    np.save(folder / f"{kind}_targets-taught.npy", targets)


def _teacher(folder: Path, seed: int) -> Checkpoint:
    network = OffTanet(width=TEACHER_WIDTH)
    network.load_state_dict(torch.load(folder / f"teacher-{seed}.pt", weights_only=True))
    card = Card("teacher", "unreleased", "Apache-2.0", "synthetic")
    return Checkpoint(network.eval(), PreprocessingConfig(), card, None)


def last_runs(chosen: Training, seeds: int) -> list[Run]:
    """Return the trainings whose weights are scored on real faces, once."""
    runs = []
    for seed in range(seeds):
        made = replace(chosen, seed=seed)
        longer = replace(made, samples=2 * made.samples)
        runs += [
            Run(("photographs",), made, KINDS, "photographs"),
            Run(KINDS, made, KINDS, "all"),
            Run(KINDS, longer, KINDS, "distilled", suffix="-taught"),
            Run(KINDS[:3], made, KINDS[:3], "fine", side=FINE),
        ]
    return sorted(runs, key=lambda one: -one.training.samples)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything; return the exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m off_tanet_export.experiments.transfer")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=40_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers of samples")
    args = parser.parse_args(arguments)
    args.folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(args.processes, get_context("spawn")) as pool:
        _experiment(args, pool)
    return 0


def _experiment(args: argparse.Namespace, pool: ProcessPoolExecutor) -> None:
    start = time.monotonic()
    render(args.folder, args.pairs, pool)
    print(f"rendered after {time.monotonic() - start:.0f} s", flush=True)
    work = partial(run, args.folder, args.device)
    scaled = {name: _scaled(one, args.scale) for name, one in CANDIDATES.items()}
    jobs = [
        (name, Run(kinds, replace(one, seed=seed), tested))
        for (kinds, tested), (name, one), seed in product(DIRECTIONS, scaled.items(), range(2))
    ]
    jobs.sort(key=lambda job: -job[1].training.samples)
    found: dict[str, list[tuple[str, float]]] = {name: [] for name in CANDIDATES}
    for (name, job), values in zip(jobs, pool.map(work, [job for _, job in jobs]), strict=True):
        keys = [f"{job.kinds} {kind} {job.training.seed}" for kind in job.tested]
        found[name] += zip(keys, values, strict=True)
    scores = {name: np.array([v for _, v in sorted(rows)]) for name, rows in found.items()}
    print("recipe", np.round(scores["recipe"], 3), [key for key, _ in sorted(found["recipe"])])
    names = choose(scores)
    chosen = _scaled(combine(names), args.scale)
    print("chosen", names, f"after {time.monotonic() - start:.0f} s", flush=True)
    taught = replace(chosen, samples=int(200_000 * args.scale), batch=256)
    teachers = [
        Run(KINDS, replace(taught, seed=seed), KINDS, "teacher", TEACHER_WIDTH)
        for seed in range(TEACHERS)
    ]
    print("teachers", np.round(list(pool.map(work, teachers)), 3))
    list(pool.map(partial(teach, args.folder, args.device, chosen), KINDS))
    print(f"taught after {time.monotonic() - start:.0f} s", flush=True)
    for job, values in zip(
        runs := last_runs(chosen, args.seeds), pool.map(work, runs), strict=True
    ):
        print(job.name, job.training.seed, np.round(values, 3), flush=True)
    print(f"trained after {time.monotonic() - start:.0f} s", flush=True)


def _scaled(training: Training, scale: float) -> Training:
    return replace(training, samples=max(training.batch, int(scale * training.samples)))


if __name__ == "__main__":
    sys.exit(main())
