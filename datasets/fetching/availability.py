"""Says where the files of a data set are, for lists of data sets."""

from __future__ import annotations

from pathlib import Path

from datasets.dataset import Dataset
from datasets.fetching.disk import find


def availability(dataset: Dataset, data_dir: Path | None) -> str:
    """Return `bundled`, `on disk`, or how much there is to fetch: `to fetch, 11.6 MB`."""
    if dataset.is_users:
        return "on disk"
    if not dataset.files:
        return "bundled"
    if find(dataset, data_dir) is not None:
        return "on disk"
    if not dataset.size:
        return "to download by hand"
    in_mb = dataset.size >= 1e5
    size = f"{dataset.size / 1e6:.1f} MB" if in_mb else f"{dataset.size / 1e3:.0f} kB"
    return f"to fetch, {size}"
