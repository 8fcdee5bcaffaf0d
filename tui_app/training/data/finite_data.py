"""Refuses data that contain NaN or infinity, which would make every loss NaN."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from datasets import DataDamaged, Split
from datasets.reading.progress import ProgressReporter

_ROWS = 10_000
"""Samples that are checked between two checks for a stop."""


def refuse_non_finite(
    dataset: str, splits: Mapping[str, Split | None], reporter: ProgressReporter
) -> None:
    """Raise DataDamaged for NaN or infinity in data that are in memory."""
    for name, split in splits.items():
        for kind in ("inputs", "targets"):
            values = getattr(split, kind, None)
            if not isinstance(values, np.ndarray) or isinstance(values, np.memmap):
                continue
            if values.dtype.kind != "f":
                continue
            finite = np.ones(len(values), bool)
            for rows in reporter.chunks(len(values), _ROWS, "the numbers", action="checking"):
                chunk = values[rows]
                finite[rows] = np.isfinite(chunk.reshape(len(chunk), -1)).all(axis=1)
            if not finite.all():
                raise DataDamaged(
                    f"{dataset}: sample {int(finite.argmin()) + 1} of the {name} set has {kind} "
                    f"that are no finite numbers, {int((~finite).sum())} samples in all"
                )
