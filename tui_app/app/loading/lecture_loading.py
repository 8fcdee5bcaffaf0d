"""Loads a lecture for the form: run in a thread, since importing a lecture imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import LectureError, Lesson, read_lesson
from models.user_files.trust import UntrustedSource
from tui_app.app.messages import (
    LectureFailed,
    LectureReady,
    RunSettingsFailed,
    RunSettingsRead,
)
from tui_app.app.own_data.data_choices import picks

if TYPE_CHECKING:
    from models.lecture import Lecture
    from tui_app.runs.run_folder import RunFolder


@dataclass(frozen=True)
class CommandLine:
    """The settings that were given on the command line, and the lecture they were given with."""

    path: Path
    given: Mapping[str, Any]

    def settings_for(self, lecture: Lecture) -> dict[str, Any]:
        """Those that hold for `lecture`: all of them for the lecture they were given with; for
        another one the options of a run, such as the device, and the data set if it has it.
        """
        if lecture.path == self.path:
            return dict(self.given)
        settings = _options(self.given)
        if str(self.given.get("dataset", "")) in lecture.datasets:
            settings["dataset"] = self.given["dataset"]
        return settings


def load(
    path: Path, line: CommandLine, runs_dir: Path, chosen: Mapping[str, Any] | None = None
) -> LectureReady | LectureFailed:
    """Import the lecture in `path`, and find the settings that tutorch.toml and the command line
    give it. `chosen` are the settings of a run to be trained anew: of the others only the options
    of a run hold beside them.
    """
    # Here, and not first in a user's file: that file isn't what takes seconds on a cold disk.
    import torch  # noqa: F401

    from models.fields import InvalidValue, fields_of
    from models.loading.load import load_lecture
    from tui_app.app.form.settings_draft import SettingsDraft
    from tui_app.runs.configuration import configured_values, refused_settings
    from tui_app.runs.run_options import RunOptions
    from tui_app.training.suitable_data import kinds_of_own_data

    try:
        lecture = load_lecture(path)
        fields = {**lecture.fields, **fields_of(RunOptions)}
        settings = configured_values(fields, lecture.name)
        notes = refused_settings(fields.keys() - line.given.keys(), lecture.name)
        settings |= line.settings_for(lecture)
        chosen = None if chosen is None else {**_options(settings), **chosen}
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


def load_run_settings(
    folder: RunFolder, changes: Mapping[str, Any], done: str
) -> RunSettingsRead | RunSettingsFailed:
    """The settings of a run, with these changes: imports the lecture that the run keeps."""
    from tui_app.runs.errors import DamagedRun
    from tui_app.runs.run_table import settings_for_form

    try:
        path, settings = settings_for_form(folder)
    except (DamagedRun, UntrustedSource) as error:
        return RunSettingsFailed(folder, error, changes, done)
    return RunSettingsRead(path, {**settings, **changes}, done)


def lesson_of(path: Path) -> Lesson:
    """The lesson of the lecture in `path`; an empty one where the file can't be read as Python."""
    try:
        return read_lesson(path)
    except LectureError:
        return Lesson(path.stem, path, path.stem, path.stem, "")


def _options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the settings that mean the same for every lecture."""
    from models.fields import fields_of
    from tui_app.runs.run_options import TABLE_OPTIONS, RunOptions

    names = fields_of(RunOptions).keys() - {"dataset", *TABLE_OPTIONS}
    return {name: value for name, value in settings.items() if name in names}


def _datasets(names: tuple[str, ...], data_dir: str) -> list[tuple[str, str]]:
    from datasets import UnknownDataset, get_dataset
    from datasets.fetching.availability import availability

    choices = []
    for name in names:
        try:
            state = availability(get_dataset(name), Path(data_dir) if data_dir else None)
        except UnknownDataset:
            state = "unknown"
        choices.append((f"{name}, {state}", name))
    return choices
