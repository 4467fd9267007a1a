"""Errors of training, evaluation and export. The command line prints the message and exits with 2.

ModelExportError
├── OptionError       an option is unknown, missing or has an invalid value
├── CheckpointError   the checkpoint is missing, damaged or not an Off-TANet checkpoint
├── MapsError         the data are missing, damaged or contain no labelled flow maps
│   └── RowsError     clips of a database cannot be used
├── TrainingError     the requested training run is not possible
└── ExportError       the graph could not be written, or it disagrees with PyTorch
"""

from __future__ import annotations


class ModelExportError(Exception):
    """Base class of all errors of this package."""


class OptionError(ModelExportError):
    """An option is unknown, missing or has an invalid value."""


class CheckpointError(ModelExportError):
    """The checkpoint is missing, damaged or not an Off-TANet checkpoint."""


class MapsError(ModelExportError):
    """The data are missing, damaged or contain no labelled flow maps."""


class RowsError(MapsError):
    """Clips of a database cannot be used.

    Args:
        faults: What is wrong: a line for each clip.
        total: The number of rows that were checked.
        advice: What can be done about them.
    """

    def __init__(
        self,
        faults: list[str],
        total: int,
        advice: str = "mend them, or leave them out with --skip-unusable",
    ) -> None:
        super().__init__("; ".join(faults))
        self.faults, self.total, self.advice = faults, total, advice


class TrainingError(ModelExportError):
    """The requested training run is not possible. Raised before the run starts."""


class ExportError(ModelExportError):
    """The graph could not be written, or a check of it failed. No file is left behind."""
