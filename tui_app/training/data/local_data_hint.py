"""Hints at a lecture's data set in --data-dir that the run doesn't use."""

from __future__ import annotations

from pathlib import Path

from datasets import DataUnavailable, get_dataset
from datasets.fetching.disk import find_in
from tui_app.runs.settings.run_settings import RunSettings, is_own_data


def local_data_hint(settings: RunSettings) -> list[str]:
    """A hint if no data set was chosen, and --data-dir has another one of the lecture's than its
    default, which needs no download.
    """
    lecture, folder = settings.lecture, settings.options.data_dir
    if not (settings.has_default_dataset and folder):
        return []
    for name in lecture.datasets:
        if name != settings.dataset and not is_own_data(name) and _is_in(name, Path(folder)):
            return [
                f"{folder} has {name}, but this run uses {settings.dataset}: "
                f"--dataset {name} trains on it"
            ]
    return []


def _is_in(name: str, folder: Path) -> bool:
    dataset = get_dataset(name)
    try:
        return bool(dataset.files) and find_in(dataset, folder) is not None
    except DataUnavailable:
        return False
