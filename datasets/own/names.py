"""Names of the user's own data: `csv:FILE` and `folder:DIR`, in full and in short."""

from __future__ import annotations

from pathlib import Path


def is_own_data(dataset: str) -> bool:
    """Whether `dataset` names a file or a folder of the user's."""
    return dataset.startswith(("csv:", "folder:"))


def short_name(dataset: str) -> str:
    """The name without the folders that a file of the user's lies in: `csv:points.csv`."""
    if not is_own_data(dataset):
        return dataset
    kind, _, place = dataset.partition(":")
    return f"{kind}:{Path(place).name or place}"
