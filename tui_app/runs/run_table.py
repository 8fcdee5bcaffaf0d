"""All runs as rows of a table: what sets each apart, and what people noted of it."""

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
from tui_app.runs.durable_files import replace_file
from tui_app.runs.errors import DamagedRun
from tui_app.runs.listing import RunSummary, run_folders, summarise
from tui_app.runs.origins import origins
from tui_app.runs.run_files import open_file
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord

_NOTE = "note.txt"

#: A note is a line or two.
_LONGEST_NOTE = 4_000


@dataclass(frozen=True)
class RunRow:
    """A run folder as the table shows it. `settings` are as run.json has them, and `differs` those
    of them that are not the lecture's own for this data set. `origin` says where the user's own
    file lay, where other runs are of another file of the same name.
    """

    folder: RunFolder
    summary: RunSummary
    settings: Mapping[str, str]
    differs: Mapping[str, str]
    note: str
    origin: str = ""


class RunTable:
    """Reads run folders; what a lecture's own settings are is asked once."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._defaults: dict[tuple[str, str], Mapping[str, Any]] = {}

    def rows(self) -> list[RunRow]:
        """Every run, the newest first."""
        rows = [self._row(folder) for folder in reversed(run_folders(self._runs_dir))]
        places = origins([row.summary for row in rows])
        return [replace(row, origin=place) for row, place in zip(rows, places, strict=True)]

    def _row(self, folder: RunFolder) -> RunRow:
        record = None
        with contextlib.suppress(DamagedRun):
            record = folder.read_record()
        summary = summarise(folder, record)
        settings = record.hyperparameters if record is not None else {}
        is_course = summary.lecture in lecture_names() and not summary.file
        own = self._own(summary.lecture if is_course else "", summary.dataset)
        differs = {
            name: value for name, value in settings.items() if name in own and own[name] != value
        }
        return RunRow(folder, summary, _texts(settings), _texts(differs), read_note(folder))

    def _own(self, lecture: str, dataset: str) -> Mapping[str, Any]:
        """The lecture's own settings for a data set, as run.json would have them; of a user's own
        lecture, whose file isn't run to list runs, those that every lecture begins with.
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
    """What somebody noted of the run."""
    try:
        with open_file(folder.path / _NOTE, "r", encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST_NOTE)
    except OSError:
        return ""


def write_note(folder: RunFolder, text: str) -> None:
    """Keep a note in the run folder; an empty one takes it away. Raises OSError."""
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
    """The lecture's file and the settings of a run, as the form takes them. Raises DamagedRun."""
    from tui_app.runs.run_options import RunOptions
    from tui_app.runs.run_settings import read_settings

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
    """The user's own file, where it is still there, and not the copy in the run folder."""
    from tui_app.runs.run_source import read_run_source

    source = read_run_source(folder, record)
    return opened if source is None or source.current is None else source.original
