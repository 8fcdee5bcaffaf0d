"""Keeps a study in a journal file, which a process that dies doesn't leave locked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from tui_app.runs.errors import DamagedRun
from tui_app.search.library import from_optuna

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

#: Seconds between two attempts to lock a journal, which is locked for milliseconds.
_POLL = 0.005

#: What Optuna raises for a line that it hasn't written.
_DAMAGE = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(AssertionError, RecursionError),
)


class JournalLock:
    """Locks a journal. The system unlocks it if its process dies, unlike with Optuna's own locks,
    for which everybody then waits for half a minute.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock = filelock.FileLock(journal.with_suffix(".lock"), thread_local=False)

    def acquire(self) -> bool:
        """Wait for the lock, then remove what a program that was killed has half written."""
        self._lock.acquire(poll_interval=_POLL)
        try:
            _cut_torn_line(self._journal)
        except BaseException:
            self._lock.release()
            raise
        return True

    def release(self) -> None:
        """Unlock the journal."""
        self._lock.release()


def _cut_torn_line(journal: Path) -> None:
    """Cut the file after its last whole line: what is appended to half a line would be lost too."""
    with journal.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end:
            begin = max(0, end - 4096)
            file.seek(begin)
            newline = file.read(end - begin).rfind(b"\n")
            if newline >= 0:
                end = begin + newline + 1
                break
            end = begin
        if end < size:
            file.truncate(end)


def open_journal(path: Path) -> BaseStorage:
    """Open the journal of a study.

    Raises DamagedRun, and so does every use of what it returns once the file is damaged.
    """
    with from_optuna() as optuna:
        from optuna.storages.journal import JournalStorage  # puts off Optuna

        class Journal(JournalStorage):
            is_damaged = False

            def _sync_with_backend(self) -> None:
                try:
                    # Optuna passes over a damaged line the next time, and the lines after it would
                    # then mean other trials.
                    if self.is_damaged:
                        raise ValueError("it was damaged before")
                    super()._sync_with_backend()
                except _DAMAGE as error:
                    self.is_damaged = True
                    raise DamagedRun(
                        f"{path} can't be read as a study's journal: it is damaged"
                    ) from error

        backend = optuna.storages.journal.JournalFileBackend(str(path), lock_obj=JournalLock(path))
        return Journal(backend)
