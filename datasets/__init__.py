"""Lists, finds and reads the data sets: one file each in this folder.

A data set is a file in this folder that declares `DATASET = Dataset(...)`; its name is the file's
stem with hyphens for underscores. To add a data set, add a file.
"""

from __future__ import annotations

import difflib
import importlib
from dataclasses import replace
from pathlib import Path

from datasets.dataset import (
    Data,
    DataDamaged,
    Dataset,
    DataSpec,
    DataUnavailable,
    Split,
    Task,
    UnknownDataset,
)
from datasets.fetching.fetch import locate
from datasets.own.column_names import ColumnChoice
from datasets.own.image_folder import folder_dataset
from datasets.own.table import table_dataset
from datasets.reading.paths import user_path
from datasets.reading.progress import NO_REPORTS, ProgressReporter

__all__ = [
    "Data",
    "DataDamaged",
    "DataSpec",
    "DataUnavailable",
    "Dataset",
    "Split",
    "UnknownDataset",
    "dataset_names",
    "get_dataset",
    "read_dataset",
]


def dataset_names() -> tuple[str, ...]:
    """The names of all data sets, in alphabetical order. Imports none of them."""
    files = Path(__file__).parent.glob("*.py")
    stems = [file.stem for file in files if "\nDATASET = " in file.read_text(encoding="utf-8")]
    return tuple(sorted(stem.replace("_", "-") for stem in stems))


def get_dataset(
    name: str,
    target: str | None = None,
    task: Task | None = None,
    drop: str = "",
    columns: str = "",
    reporter: ProgressReporter = NO_REPORTS,
) -> Dataset:
    """The declaration of the data set `name`; fetches nothing.

    `csv:FILE` is a table of the user's. Its column `target` is predicted from all other columns,
    from those that `drop` doesn't list, or from those that `columns` lists (names separated by
    commas). `folder:DIR` has a folder of images for each class. `task` is the model's; with None
    the data decide. Raises UnknownDataset, and DataUnavailable or DataDamaged for a user's file.
    """
    kind, colon, place = name.partition(":")
    if colon and kind == "csv":
        choice = ColumnChoice(target or "", drop, columns)
        return replace(table_dataset(user_path(place), choice, task, reporter), name=name)
    if target:
        raise UnknownDataset(f"{name} has its own target: --target needs csv:FILE.")
    if flag := ("--drop" if drop else "--columns" if columns else ""):
        raise UnknownDataset(f"{flag} needs csv:FILE, and {name} is not a table.")
    if colon and kind == "folder":
        return replace(folder_dataset(user_path(place), task), name=name)
    if name not in dataset_names():
        near = difflib.get_close_matches(name, dataset_names(), n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "`tutorch data` lists them"
        raise UnknownDataset(f"no data set is called {name!r}: {hint}")
    module = importlib.import_module(f"datasets.{name.replace('-', '_')}")
    return replace(module.DATASET, name=name)


def read_dataset(
    name: str,
    data_dir: Path | None = None,
    reporter: ProgressReporter = NO_REPORTS,
    target: str | None = None,
    task: Task | None = None,
    drop: str = "",
    columns: str = "",
) -> Data:
    """Find the files (in `data_dir`, then in the cache), fetch those missing, and read them.

    `target`, `task`, `drop` and `columns` are as for `get_dataset`. Raises UnknownDataset,
    DataUnavailable, DataDamaged, and LoadingStopped once `reporter` requests a stop.
    """
    dataset = get_dataset(name, target, task, drop, columns, reporter)
    return dataset.read(locate(dataset, data_dir, reporter), reporter)
