"""Makes a table of all runs: how their settings differ, and the user's notes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models import LectureError, UnknownLecture, find_lecture, lecture_names
from models.fields import InvalidValue, setting_text
from models.lecture import Hyperparameters
from models.loading.load import load_lecture
from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.durable_files import replace_file
from tui_app.runs.files.run_files import open_file
from tui_app.runs.jobs.job_states import RecentJobStates, with_job_states
from tui_app.runs.listing import RunSummary, run_folders, summarise
from tui_app.runs.origins import origins
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.runs.run_source import read_run_source
from tui_app.runs.settings.recorded_settings import read_settings
from tui_app.runs.settings.run_options import RunOptions

_NOTE = "note.txt"

#: The most characters of a note.
_LONGEST_NOTE = 4_000


@dataclass(frozen=True)
class RunRow:
    """A row of the table. `settings` are those in run.json, `differs` those that differ from the
    lecture's defaults for the data set. `origin` distinguishes user's files of the same name.
    """

    folder: RunFolder
    summary: RunSummary
    settings: Mapping[str, str]
    differs: Mapping[str, str]
    note: str
    origin: str = ""


class RunTable:
    """Reads run folders; caches the defaults of the lectures."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._defaults: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._jobs = RecentJobStates()

    def rows(self) -> list[RunRow]:
        """Every run, the newest first."""
        rows = [self._row(folder) for folder in reversed(run_folders(self._runs_dir))]
        summaries = with_job_states([row.summary for row in rows], self._jobs)
        return [
            replace(row, summary=summary, origin=place)
            for row, summary, place in zip(rows, summaries, origins(summaries), strict=True)
        ]

    def _row(self, folder: RunFolder) -> RunRow:
        record = None
        with contextlib.suppress(DamagedRun):
            record = folder.read_record()
        summary = summarise(folder, record)
        settings = record.hyperparameters if record is not None else {}
        is_course = summary.lecture in lecture_names() and not summary.file
        own = self._defaults_of(summary.lecture if is_course else "", summary.dataset)
        differs = {
            name: value for name, value in settings.items() if name in own and own[name] != value
        }
        return RunRow(folder, summary, _texts(settings), _texts(differs), read_note(folder))

    def _defaults_of(self, lecture: str, dataset: str) -> Mapping[str, Any]:
        """The lecture's defaults for a data set, as in run.json; for a user's lecture, whose file
        isn't executed for a list, the defaults of every lecture.
        """
        key = (lecture, dataset)
        if key not in self._defaults:
            own: Mapping[str, Any] = vars(Hyperparameters())
            if lecture:
                own = {}
                with contextlib.suppress(LectureError, UnknownLecture, InvalidValue):
                    loaded = load_lecture(find_lecture(lecture))
                    own = loaded.relevant_settings(loaded.resolve(dataset, {}))
            self._defaults[key] = {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in own.items()
            }
        return self._defaults[key]


def read_note(folder: RunFolder) -> str:
    """The user's note about the run."""
    try:
        with open_file(folder.path / _NOTE, "r", encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST_NOTE)
    except OSError:
        return ""


def write_note(folder: RunFolder, text: str) -> None:
    """Write a note into the run folder; an empty one removes it. Raises OSError."""
    path = folder.path / _NOTE
    if text.strip():
        content = text.strip()[:_LONGEST_NOTE].encode()
        replace_file(path, lambda file: file.write(content))
    else:
        path.unlink(missing_ok=True)


def differing_settings(rows: Iterable[RunRow]) -> list[str]:
    """The names of the settings in which the rows differ."""
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row.settings)
    return [name for name in names if len({row.settings.get(name) for row in rows}) > 1]


def _texts(settings: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): setting_text(value) for name, value in settings.items()}


def settings_for_form(folder: RunFolder) -> tuple[Path, dict[str, object]]:
    """The lecture's file and the settings of a run, to fill in the form. Raises DamagedRun."""
    record = folder.read_record()
    settings, plain = read_settings(folder, record=record), vars(RunOptions())
    lecture = settings.lecture
    options = {n: v for n, v in vars(settings.options).items() if plain[n] != v}
    options.pop("runs_dir", None)
    given = {
        **lecture.relevant_settings(settings.hyperparameters),
        **options,
        "dataset": settings.dataset,
    }
    return _file_to_train(folder, record, lecture.path), given


def _file_to_train(folder: RunFolder, record: RunRecord, opened: Path) -> Path:
    """The user's file if it still exists, and not the copy in the run folder."""
    source = read_run_source(folder, record)
    return opened if source is None or source.current is None else source.original
