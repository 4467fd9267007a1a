"""Tables of the analysis of attention, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple

import numpy as np

from off_tanet_export.experiments.attention_analysis import AttentionMeasures


def attention_table(variants: Mapping[str, Mapping[str, AttentionMeasures]]) -> str:
    """Format each variant's measures, by kind of attention, in Markdown."""
    lines = [
        "| last block | attention | share before | after | sparseness before | after |",
        "|---|---|---|---|---|---|",
    ]
    for variant, kinds in variants.items():
        for kind, measures in kinds.items():
            cells = " | ".join(f"{value:.3f}" for value in astuple(measures))
            lines.append(f"| {variant} | {kind} | {cells} |")
    return "\n".join(lines)


def region_shares_table(shares: Mapping[str, Mapping[str, float]]) -> str:
    """Format the shares of `region_shares` for each action unit, in Markdown."""
    columns = list(next(iter(shares.values())))
    lines = [f"| moved | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for unit, row in shares.items():
        lines.append(f"| {unit} | {' | '.join(f'{row[column]:.2f}' for column in columns)} |")
    mean = [float(np.mean([row[column] for row in shares.values()])) for column in columns]
    lines.append(f"| **mean** | {' | '.join(f'**{value:.2f}**' for value in mean)} |")
    return "\n".join(lines)
