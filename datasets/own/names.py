"""Recognises and shortens the names of the user's own data: `csv:FILE` and `folder:DIR`."""

from __future__ import annotations

from pathlib import Path


def is_own_data(dataset: str) -> bool:
    """Whether `dataset` names the user's own file or folder."""
    return dataset.startswith(("csv:", "folder:"))


def short_name(dataset: str) -> str:
    """The name without the folders of the user's file: `csv:points.csv`."""
    if not is_own_data(dataset):
        return dataset
    kind, _, place = dataset.partition(":")
    return f"{kind}:{Path(place).name or place}"
