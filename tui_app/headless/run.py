"""Training without the app: a progress bar on a terminal, plain lines or JSON elsewhere."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.text import Text

from datasets.reading.progress import LoadingStopped
from tui_app.headless.console_output import (
    EventPrinter,
    JsonLines,
    narrator,
    print_scores,
    print_summary,
)
from tui_app.headless.console_thread import ConsoleThread
from tui_app.headless.loading_progress import show_loading
from tui_app.inspection.diagnosis.listener import DiagnosisListener
from tui_app.runs.errors import Cancelled, DamagedRun
from tui_app.runs.events import RunCompleted
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_files import open_log
from tui_app.runs.run_folder import LogFile
from tui_app.runs.settings import RunSettings, differences, differing
from tui_app.terminal.printing import stderr_console, write_without_blocking
from tui_app.terminal.signal_thread import handle_signals
from tui_app.terminal.signals import (
    detach_from_terminal,
    exit_immediately,
    has_job_control,
    save_signals,
    stop_reason,
    stop_signals,
    suspend_process,
    suspend_signals,
)
from tui_app.terminal.streams import closed_at_start, data_stream, is_gone, tolerant_streams
from tui_app.text.escaping import printable
from tui_app.training.control import Control, Stop
from tui_app.training.library_warnings import warnings_noted
from tui_app.training.prepare import check_models
from tui_app.training.session import Session
from tui_app.training.session_request import MakeSession, NewRunRequest
from tui_app.training.watchdog import StepInterrupted, Watchdog, where_interrupted


@dataclass(frozen=True)
class Headless:
    """How much is said, and as what."""

    json: bool = False
    quiet: bool = False

    def console(self) -> Console:
        """Where the narration goes."""
        console = stderr_console()
        console.quiet = self.quiet or self.json
        return console


def train_all(settings: Sequence[RunSettings], headless: Headless) -> int:
    """Train one run after the other; the exit code is the first that isn't 0."""
    control, console = Control(), headless.console()
    terminal = Terminal(console)
    completed: list[tuple[RunSettings, RunCompleted]] = []
    with stop_on_signals(control, terminal, keep=settings[0].options.on_hangup == "keep"):
        if len(settings) > 1:
            with show_loading(console) as on_progress:
                check_models(settings, on_progress, control.must_stop)
        try:
            for number, each in enumerate(settings, 1):
                if len(settings) > 1:
                    console.print(f"run {number} of {len(settings)}: {differing(each, settings)}")
                make = NewRunRequest(each)
                completed.append((each, train_one(make, control, headless, terminal)))
                if control.stopped:
                    break
        finally:
            if len(settings) > 1 and completed and not headless.json:
                print_scores([(differences(each, settings), done) for each, done in completed])
    return next((done.exit_code for _, done in completed if done.exit_code), ExitCode.DONE)


def train_one(
    make: MakeSession,
    control: Control,
    headless: Headless,
    terminal: Terminal,
) -> RunCompleted:
    """Prepare a session with `make`, train it, and tell how it went."""
    console = terminal.console
    terminal.ended = None
    control.begin_preparing()
    try:
        with show_loading(console) as on_progress:
            session = make(control, on_progress)
    except BaseException:
        terminal.print_notes()
        raise
    terminal.begin(session)
    listener = terminal.listener = (
        JsonLines(data_stream()) if headless.json else terminal.narrator()
    )
    with listener:
        completed = session.train(control, [listener], DiagnosisListener.of_session)
    terminal.end()
    if not headless.json:
        print_end(console, session, completed)
    return completed


def print_end(console: Console, session: Session, completed: RunCompleted) -> None:
    """How the run ended, and on stdout where it is."""
    print_summary(console, session, completed)
    path = str(session.folder.path)
    # Whoever reads a pipe wants the very path, a terminal one that can't steer it.
    sys.stdout.write(f"{printable(path) if sys.stdout.isatty() else path}\n")
    sys.stdout.flush()


class Terminal:
    """Where a run is told of, as long as it is there, and log.txt after that."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.session: Session | None = None
        self.listener: EventPrinter | None = None
        self.log: Path | None = None
        self.ended: Path | None = None  # the log of a run that is over, until the next is prepared
        self.is_gone = False
        self._notes = [
            f"{stream} is closed: log.txt has what would stand there"
            for stream in closed_at_start
            if stream != "standard input"
        ]

    def begin(self, session: Session) -> None:
        """From now on it is told of this run."""
        self.session, self.log = session, session.folder.log
        for text in self._notes:
            session.note(text)
        self._notes.clear()

    def end(self) -> None:
        """The run that was told of is over."""
        self.session, self.ended = None, self.log

    def leave(self) -> None:
        """Go on without it: log.txt has what would have been told."""
        self.is_gone = self.console.quiet = True
        log = open_log(self.log)
        detach_from_terminal(log)
        os.close(log)

    def restore(self) -> None:
        """Show the cursor, which a progress bar hides, without waiting for anything."""
        if self.console.is_terminal and not self.is_gone:
            write_without_blocking(2, "\x1b[?25h")

    def suspend(self) -> None:
        """Suspend the program with the cursor shown, if a shell can continue it."""
        if has_job_control():
            self.restore()
            suspend_process()

    def narrator(self) -> EventPrinter:
        """What tells of a run on this terminal, or in the file or pipe that is in its place."""
        told = narrator(self.console)
        return ConsoleThread(told) if self.console.is_terminal else told

    def lose(self, stream: str, error: OSError) -> None:
        """Go on without a stream that takes nothing more."""
        why = error.strerror
        self.note(f"{stream} takes nothing more ({why}): log.txt has what would stand there")

    def note(self, text: str) -> None:
        """Record a note with the run, also when it is just over, or as soon as there is one."""
        if self.session is not None:
            self.session.note(text)
        elif self.ended is not None:
            with (
                suppress(OSError, DamagedRun),
                closing(LogFile(self.ended, "note: {}".format)) as log,
            ):
                log(text)
        else:
            self._notes.append(text)

    def print_notes(self) -> None:
        """Print what was to be recorded with a run that couldn't be prepared."""
        for text in self._notes:
            self.console.print(Text(printable(f"note: {text}")))
        self._notes.clear()

    def tell(self, text: str) -> None:
        """Say something of the run, from any thread."""
        if self.session is not None:
            self.session.note(text)
        else:
            self.console.print(Text(printable(text)))

    def give_up(self, control: Control, where: str) -> None:
        """The run doesn't come back: record that it is stopped, and say so."""
        session, listener = self.session, self.listener
        if session is None:
            return
        completed = session.abandon(control, where)
        if listener is not None and not isinstance(listener, JsonLines):
            listener.__exit__()
            print_end(self.console, session, completed)


@contextmanager
def stop_on_signals(control: Control, terminal: Terminal, *, keep: bool) -> Iterator[None]:
    """Let Ctrl-C, TERM and a hang-up save and stop, USR1 save and Ctrl-Z suspend; a second Ctrl-C
    leaves at once.

    A step that doesn't come back is told of, and given up when the run is to stop. To `keep` a run
    is to go on without the terminal after a hang-up, and without a pipe that no one reads any more.
    Raises Cancelled when it was to stop before it trained.
    """
    exit_codes = stop_signals()
    hint = threading.Timer(_HINT, lambda: _say_how_to_leave(control, terminal))
    hint.daemon = True

    def hear(asked: signal.Signals) -> None:
        if asked in save_signals():
            control.save()
            return
        if asked in suspend_signals():
            if asked.name == "SIGTSTP":
                terminal.suspend()
            return
        if asked.name == "SIGHUP" and keep:
            terminal.leave()
            return
        if asked == signal.SIGINT and control.stopped:
            _leave_now(control, terminal)
        if asked == signal.SIGINT and not control.stopped:
            hint.start()
        control.stop(stop_reason(asked), exit_codes[asked])

    def give_up(stop: Stop, where: str) -> None:
        terminal.give_up(control, where)
        terminal.restore()
        exit_immediately(stop.exit_code)

    def tell_silence(text: str) -> None:
        if text:
            terminal.tell(text)

    def lose(stream: str, error: OSError) -> None:
        terminal.lose(stream, error)
        if is_gone(error) and not keep:
            control.stop(f"stopped since no one reads {stream} any more", ExitCode.HUNG_UP)

    here = threading.current_thread()
    try:
        with (
            tolerant_streams(lose),
            warnings_noted(terminal.note),
            handle_signals(hear),
            Watchdog(control, here, tell_silence, give_up),
        ):
            yield
    except (StepInterrupted, LoadingStopped) as error:
        stop = control.stopped
        if stop is None:
            raise
        text = str(error)
        if isinstance(error, StepInterrupted):
            text = f"{stop.reason}{where_interrupted(error)}"
        raise Cancelled(text, stop.exit_code) from error
    finally:
        hint.cancel()


def _say_how_to_leave(control: Control, terminal: Terminal) -> None:
    if not control.is_finishing:
        terminal.console.print("stopping after the step under way; Ctrl-C again leaves at once")


def _leave_now(control: Control, terminal: Terminal) -> NoReturn:
    """End the program. That the run is stopped is recorded, unless the disk takes its time."""
    session = terminal.session
    if session is not None:
        recording = threading.Thread(target=session.abandon, args=(control,), daemon=True)
        recording.start()
        recording.join(_RECORDING)
    terminal.restore()
    exit_immediately(ExitCode.INTERRUPTED)


#: Seconds after Ctrl-C until it is said how to leave at once, and that a second one waits.
_HINT = 1.0
_RECORDING = 0.5
