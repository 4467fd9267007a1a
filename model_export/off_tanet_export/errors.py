"""What can go wrong at the command line; each carries one sentence and ends with exit code 2.

ModelExportError
├── OptionError       an option is unknown, missing or has a bad value
├── CheckpointError   the file is missing, damaged, or no checkpoint of Off-TANet
├── MapsError         the file is missing, damaged, or holds no labelled flow maps
├── TrainingError     the run that was asked for cannot be had
└── ExportError       the graph could not be written, or disagrees with PyTorch
"""

from __future__ import annotations


class ModelExportError(Exception):
    """The root."""


class OptionError(ModelExportError):
    """An option is unknown, missing or has a bad value."""


class CheckpointError(ModelExportError):
    """The file is missing, damaged, or no checkpoint of Off-TANet; the sentence says which."""


class MapsError(ModelExportError):
    """The file is missing, damaged, or holds no labelled flow maps."""


class TrainingError(ModelExportError):
    """The run that was asked for cannot be had; known before it starts, not minutes later."""


class ExportError(ModelExportError):
    """The graph could not be written, or a check of it failed; no file is left behind."""
