"""Describes a search to begin, to join or to go on with, and opens its study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from models.fields import InvalidValue
from models.lecture import Lecture
from tui_app.headless.loading_progress import show_loading
from tui_app.runs.errors import UnknownStudy, UnrecordedStudy
from tui_app.search.creation import tried_record
from tui_app.search.record import StudyRecord
from tui_app.search.study import Study, create_or_join, open_study
from tui_app.search.summary import StudySummary, read_study
from tui_app.text.escaping import printable
from tui_app.training.steering.control import Control

#: The trials of a study, unless the user says how many.
_TRIALS = 20


@dataclass(frozen=True, kw_only=True)
class SearchRequest:
    """A search to begin, to join or to go on with.

    `record` describes a new study; without one, the study must exist. `total` is the number of
    trials it is to have, 0 for as many as it has. `machine` are run options that hold only here.
    """

    name: str
    runs_dir: Path
    storage: str
    lecture: Lecture
    record: StudyRecord | None = None
    total: int = 0
    workers: int = 1
    machine: Mapping[str, Any] = field(default_factory=dict)
    keep: bool = True

    def open(self, console: Console, control: Control) -> Study:
        """Open the study, or create it after its settings were tried."""
        try:
            study = open_study(self.name, self.runs_dir, self.storage)
        except (UnknownStudy, UnrecordedStudy):
            if self.record is None:
                raise
            with show_loading(console) as on_progress:
                tried = tried_record(
                    self.record, self.lecture, self.machine, on_progress, control.must_stop
                )
            total = self.total or _TRIALS
            return create_or_join(self.name, tried, self.runs_dir, self.storage, total)
        try:
            self._join(study, console)
        except BaseException:
            study.close()
            raise
        return study

    def _join(self, study: Study, console: Console) -> None:
        """Raise InvalidValue unless this search is that of the study."""
        if study.record.lecture != self.lecture.name:
            raise InvalidValue(f"the study {self.name!r} is one of {study.record.lecture}", "study")
        if self.record is not None:
            study.refuse_other(self.record)
        study.record.space(self.lecture)  # raises if its settings no longer suit the lecture
        source = self.lecture.source
        if source is not None and study.record.source != source.digest:
            note = f"note: {source.main} has changed since the study began: do its trials compare?"
            console.print(Text(printable(note)), soft_wrap=True)
        study.extend(self.total)

    def summary(self) -> StudySummary:
        """The study as it is now."""
        return read_study(self.name, self.runs_dir, self.storage)
