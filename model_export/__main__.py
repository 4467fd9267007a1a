"""`python -m model_export train | evaluate | export`: from nothing to the service's model."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_export.checkpoint import load, save
from model_export.datasets import load_maps
from model_export.errors import ModelExportError, TrainingError
from model_export.evaluation import evaluate
from model_export.export import export
from model_export.training import Training, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 2 and one line on standard error where its input is at fault."""
    options = parser().parse_args(arguments)
    try:
        options.command(options)
    except (ModelExportError, OSError) as error:
        print(f"model_export: {error}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The three commands and their options."""
    root = argparse.ArgumentParser(prog="model_export", description=__doc__)
    commands = root.add_subparsers(required=True)

    defaults = Training()
    training = commands.add_parser("train", help="train on synthetic motion")
    training.add_argument("--output", type=Path, required=True, help="the .safetensors to write")
    training.add_argument("--seed", type=int, default=defaults.seed)
    training.add_argument("--samples", type=int, default=defaults.samples)
    training.set_defaults(command=run_train)

    evaluation = commands.add_parser("evaluate", help="score labelled flow maps")
    evaluation.add_argument("--checkpoint", type=Path, required=True)
    evaluation.add_argument("--maps", type=Path, required=True, help="an .npz of flow maps")
    evaluation.add_argument("--json", action="store_true", help="print JSON")
    evaluation.add_argument(
        "--record", action="store_true", help="write the scores into the checkpoint's card"
    )
    evaluation.set_defaults(command=run_evaluate)

    exporting = commands.add_parser("export", help="write the ONNX file that the service opens")
    exporting.add_argument("--checkpoint", type=Path, required=True, help=".safetensors or .pth")
    exporting.add_argument("--output", type=Path, required=True, help="the .onnx to write")
    exporting.set_defaults(command=lambda options: export(options.checkpoint, options.output))
    return root


def run_train(options: argparse.Namespace) -> None:
    if not options.output.parent.is_dir():
        raise TrainingError(f"the folder {options.output.parent} is not there")
    save(train(Training(seed=options.seed, samples=options.samples)), options.output)


def run_evaluate(options: argparse.Namespace) -> None:
    checkpoint = load(options.checkpoint)
    scores = evaluate(checkpoint, load_maps(options.maps))
    if options.record:
        recorded = {**checkpoint.card.scores, options.maps.stem: scores}
        card = replace(checkpoint.card, scores=recorded)
        save(replace(checkpoint, card=card), options.checkpoint)
    print(json.dumps(scores, indent=2) if options.json else table(scores))


def table(scores: dict[str, Any]) -> str:
    """The scores for people."""
    rows = {**scores["per_dataset"], "pooled": scores}
    lines = [f"{'':12}{'n':>6}{'UF1':>8}{'UAR':>8}"]
    lines += [f"{k:12}{r['n']:>6}{r['uf1']:>8.3f}{r['uar']:>8.3f}" for k, r in rows.items()]
    lines += ["", f"{'true class':12}" + "".join(f"{name:>10}" for name in scores["confusion"])]
    for true, row in scores["confusion"].items():
        lines.append(f"{true:12}" + "".join(f"{count:>10}" for count in row.values()))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
