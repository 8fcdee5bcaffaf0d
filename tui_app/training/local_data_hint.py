"""Says which of a lecture's data sets lies in --data-dir, where a run learns from another."""

from __future__ import annotations

from pathlib import Path

from datasets import DataUnavailable, get_dataset
from datasets.fetching.disk import find_in
from tui_app.runs.settings import RunSettings, is_own_data


def better_data(settings: RunSettings) -> list[str]:
    """A sentence where nobody said which data set to learn from, and one that the lecture is about
    lies in the folder that was named: the default is the one that needs no download.
    """
    lecture, folder = settings.lecture, settings.options.data_dir
    if not (settings.has_default_dataset and folder):
        return []
    for name in lecture.datasets:
        if name != settings.dataset and not is_own_data(name) and _lies_in(name, Path(folder)):
            return [
                f"{name} lies in {folder}, and this run learns from {settings.dataset}: "
                f"--dataset {name} trains on it"
            ]
    return []


def _lies_in(name: str, folder: Path) -> bool:
    dataset = get_dataset(name)
    try:
        return bool(dataset.files) and find_in(dataset, folder) is not None
    except DataUnavailable:
        return False
