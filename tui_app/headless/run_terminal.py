"""Connects a run with the terminal it is trained on; log.txt gets what the terminal can't show."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tui_app.headless.console_output import EventPrinter, JsonLines, console_printer
from tui_app.headless.console_thread import ConsoleThread
from tui_app.headless.run_results import print_result
from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.run_files import open_log
from tui_app.runs.log_file import LogFile
from tui_app.terminal.printing import print_to_stderr, write_without_blocking
from tui_app.terminal.signals import detach_from_terminal, has_job_control, suspend_process
from tui_app.terminal.streams import closed_at_start
from tui_app.text.escaping import printable
from tui_app.training.outcome import Outcome
from tui_app.training.ranks.rank_watch import RankWatch
from tui_app.training.session import Session
from tui_app.training.steering.control import Control

#: Seconds in which the watch of the ranks finds a rank of this machine that has died.
_KNOWN_AFTER = 1.5


class RunTerminal:
    """Holds the console, and the run that is prepared or trained on it. Any thread may call it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.session: Session | None = None
        self.printer: EventPrinter | None = None
        self.watch: RankWatch | None = None  # of a run that several ranks train
        self._log: Path | None = None
        self._finished_log: Path | None = None  # until the next run is prepared
        self._is_detached = False
        self._notes = [
            f"{stream} is closed: log.txt has what it would show"
            for stream in closed_at_start
            if stream != "standard input"
        ]

    def begin_preparing(self) -> None:
        """From now on, keep notes for the run that is prepared next."""
        self._finished_log = None

    def begin(self, session: Session, printer: EventPrinter) -> None:
        """Record notes with this run from now on; `printer` prints its events."""
        self.session, self.printer, self._log = session, printer, session.folder.log
        for text in self._notes:
            session.note(text)
        self._notes.clear()

    def finish(self) -> None:
        """Record later notes in the log of the run that is over."""
        self.session, self._finished_log = None, self._log

    def detach(self) -> None:
        """Continue without the terminal after a hang-up."""
        self._is_detached = self.console.quiet = True
        log = open_log(self._log)
        detach_from_terminal(log)
        os.close(log)

    def has_failed_rank(self) -> bool:
        """Whether another rank of the run has failed; it may take a moment until that is known."""
        return self.watch is not None and self.watch.find_failure(_KNOWN_AFTER) is not None

    def show_cursor(self) -> None:
        """Show the cursor, which a progress bar hides, without waiting for the terminal."""
        if self.console.is_terminal and not self._is_detached:
            write_without_blocking(2, "\x1b[?25h")

    def suspend(self) -> None:
        """Suspend the program with the cursor shown, if a shell can continue it."""
        if has_job_control():
            self.show_cursor()
            suspend_process()

    def event_printer(self) -> EventPrinter:
        """Return what prints a run's events here; on a terminal, in a thread of its own."""
        printer = console_printer(self.console)
        return ConsoleThread(printer) if self.console.is_terminal else printer

    def note(self, text: str) -> None:
        """Record a note with the run, with the one that is just over, or with the next."""
        if self.session is not None:
            self.session.note(text)
        elif self._finished_log is not None:
            with (
                suppress(OSError, DamagedRun),
                closing(LogFile(self._finished_log, lambda note: [f"note: {note}"])) as log,
            ):
                log(text)
        else:
            self._notes.append(text)

    def print_notes(self) -> None:
        """Print the notes for a run that couldn't be prepared."""
        for text in self._notes:
            self.console.print(Text(printable(f"note: {text}")))
        self._notes.clear()

    def report(self, text: str) -> None:
        """Record a note with the run, or print it before there is one."""
        if self.session is not None:
            self.session.note(text)
        else:
            self.console.print(Text(printable(text)))

    def abandon(self, control: Control, where: str = "", outcome: Outcome | None = None) -> None:
        """Record and print that the run is stopped, though a step of it doesn't return; or that it
        has this `outcome`.
        """
        if self.session is None:
            if outcome is not None:
                print_to_stderr(outcome.reason)
            return
        completed = self.session.abandon(control, where, outcome)
        if self.printer is not None and not isinstance(self.printer, JsonLines):
            self.printer.__exit__()
            print_result(self.console, self.session, completed)
