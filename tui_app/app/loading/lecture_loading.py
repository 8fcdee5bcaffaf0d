"""Loads a lecture for the form, in a thread: importing a lecture imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import UnknownDataset, get_dataset
from datasets.fetching.availability import availability
from models import LectureError, Lesson, read_lesson
from models.fields import InvalidValue, fields_of
from models.loading.load import load_lecture
from models.user_files.trust import UntrustedSource
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.loading.command_line import CommandLine, run_options_of
from tui_app.app.messages import LectureFailed, LectureReady
from tui_app.app.own_data.data_choices import picks
from tui_app.runs.settings.configuration import configured_values, refused_settings
from tui_app.runs.settings.run_options import RunOptions
from tui_app.training.data.suitable_data import kinds_of_own_data


def load(
    path: Path, line: CommandLine, runs_dir: Path, chosen: Mapping[str, Any] | None = None
) -> LectureReady | LectureFailed:
    """Import the lecture in `path`, and find the settings that tutorch.toml and the command line
    give it. To repeat a run, `chosen` are its settings; of the others the run options are kept.
    """
    # Before the user's file, so that the seconds this takes aren't counted as that file's.
    import torch  # noqa: F401  puts off torch

    try:
        lecture = load_lecture(path)
        fields = {**lecture.fields, **fields_of(RunOptions)}
        settings = configured_values(fields, lecture.name)
        notes = refused_settings(fields.keys() - line.given.keys(), lecture.name)
        settings |= line.settings_for(lecture)
        chosen = None if chosen is None else {**run_options_of(settings), **chosen}
        draft = SettingsDraft(lecture, str(runs_dir), settings)
        if chosen is not None:
            draft.replace(chosen)
    except UntrustedSource as error:
        return LectureFailed(path, f"{error.sentence}.", error, chosen)
    except (LectureError, InvalidValue) as error:
        return LectureFailed(path, str(error))
    data_dir = str(settings.get("data_dir", ""))
    kinds = kinds_of_own_data(lecture)
    choices = {"dataset": [*_datasets(lecture.datasets, data_dir), *picks(kinds)]}
    return LectureReady(lecture, lesson_of(path), settings, chosen, choices, notes)


def lesson_of(path: Path) -> Lesson:
    """Return the lesson of the lecture in `path`; an empty one where that isn't Python."""
    try:
        return read_lesson(path)
    except LectureError:
        return Lesson(path.stem, path, path.stem, path.stem, "")


def _datasets(names: tuple[str, ...], data_dir: str) -> list[tuple[str, str]]:
    """Return the choices for the data set: a label that says whether it is here, and its name."""
    choices = []
    for name in names:
        try:
            state = availability(get_dataset(name), Path(data_dir) if data_dir else None)
        except UnknownDataset:
            state = "unknown"
        choices.append((f"{name}, {state}", name))
    return choices
