"""Reads studies in threads, and turns whatever goes wrong into a sentence."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tui_app.monitoring.failures import failure_of
from tui_app.search.library import load_optuna
from tui_app.search.storage import stored_studies
from tui_app.search.summary import StudyReader, StudySummary, list_studies

T = TypeVar("T")


class StudyReading:
    """Reads a study again and again, and opens its storage again after a problem."""

    def __init__(self, name: str, runs_dir: Path) -> None:
        self._name = name
        self._runs_dir = runs_dir
        self._reader: StudyReader | None = None
        self._is_closed = False
        self._lock = threading.Lock()  # of two threads, one closes what the other reads

    def read(self) -> tuple[StudySummary | None, str]:
        """Return the study, or else the problem with it. Call it in a thread: a storage may be
        slow.
        """
        with self._lock:
            if self._is_closed:
                return None, ""
            study, problem = _or_problem(self._read)
            if problem:
                self._close_reader()
            return study, problem

    def close(self) -> None:
        """Close the storage once it isn't being read, for good. Call it in a thread."""
        with self._lock:
            self._is_closed = True
            self._close_reader()

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            _or_problem(reader.close)  # a storage that is gone can't be closed

    def _read(self) -> StudySummary:
        if self._reader is None:
            self._reader = StudyReader(self._name, self._runs_dir, _storage())
        return self._reader.read()


def read_studies(runs_dir: Path) -> tuple[Sequence[StudySummary], str]:
    """Return all studies that can be read, and the problems with others. Call it in a thread."""
    problems: list[str] = []
    studies, problem = _or_problem(lambda: list_studies(runs_dir, _storage(), problems.append))
    return studies or (), "; ".join(filter(None, [problem, *problems]))


def study_names(runs_dir: Path) -> tuple[Sequence[str], str]:
    """Return the names of all studies, or else why there can be no search. Call it in a thread."""

    def read() -> Sequence[str]:
        load_optuna()
        return stored_studies(_storage(), runs_dir)

    names, problem = _or_problem(read)
    return names or (), problem


def _storage() -> str:
    """The storage of this program and of the searches that it starts, which inherit it."""
    return os.environ.get("TUTORCH_STORAGE", "")


def _or_problem(read: Callable[[], T]) -> tuple[T | None, str]:
    try:
        return read(), ""
    except Exception as error:  # noqa: BLE001  whatever a storage raises, the screen shows
        return None, failure_of(error).sentence
