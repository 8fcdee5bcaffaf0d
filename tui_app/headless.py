"""Training without the app: a progress bar on a terminal, plain lines or JSON elsewhere."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from tui_app.narrating_thread import NarratingThread
from tui_app.narration import (
    JsonLines,
    Narrator,
    Unstoppable,
    narrator,
    print_scores,
    print_summary,
    tell_progress,
)
from tui_app.terminal import stderr_console, write_last_words
from tui_app.training.control import Control
from tui_app.training.events import RunCompleted
from tui_app.training.exit_codes import ExitCode
from tui_app.training.narrate import printable
from tui_app.training.posix import leave_at_once, leave_terminal, save_signals, stop_signals
from tui_app.training.prepare import check_models
from tui_app.training.session import OnProgress, Session
from tui_app.training.settings import RunSettings, differences, differing


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
    with signals_steer(control, terminal, keep=settings[0].options.on_hangup == "keep"):
        if len(settings) > 1:
            with tell_progress(console) as on_progress:
                check_models(settings, on_progress, lambda: control.stopped is not None)
        try:
            for number, each in enumerate(settings, 1):
                if len(settings) > 1:
                    console.print(f"run {number} of {len(settings)}: {differing(each, settings)}")
                completed.append((each, train_one(_begin(each), control, headless, terminal)))
                if control.stopped:
                    break
        finally:
            if len(settings) > 1 and completed and not headless.json:
                print_scores([(differences(each, settings), done) for each, done in completed])
    return next((done.exit_code for _, done in completed if done.exit_code), ExitCode.DONE)


def _begin(settings: RunSettings) -> Callable[[Control, OnProgress], Session]:
    return lambda control, on_progress: Session.begin(settings, control, on_progress)


def train_one(
    make: Callable[[Control, OnProgress], Session],
    control: Control,
    headless: Headless,
    terminal: Terminal,
) -> RunCompleted:
    """Prepare a session with `make`, train it, and tell how it went."""
    console = terminal.console
    with tell_progress(console) as on_progress:
        session = make(control, on_progress)
    terminal.log = session.folder.log
    listener = JsonLines(sys.stdout) if headless.json else terminal.narrator()
    with listener:
        completed = session.follow(control, [listener])
    if not headless.json:
        print_summary(console, session, completed)
        path = str(session.folder.path)
        # Whoever reads a pipe wants the very path, a terminal one that can't steer it.
        sys.stdout.write(f"{printable(path) if sys.stdout.isatty() else path}\n")
        sys.stdout.flush()
    return completed


class Terminal:
    """Where a run is told of, as long as it is there. `log` is where to write after that."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.log: Path | None = None
        self.is_gone = False

    def leave(self) -> None:
        """Go on without it: log.txt has what would have been told."""
        self.is_gone = self.console.quiet = True
        leave_terminal(self.log)

    def restore(self) -> None:
        """Show the cursor, which a progress bar hides, without waiting for anything."""
        if self.console.is_terminal and not self.is_gone:
            write_last_words(2, "\x1b[?25h")

    def narrator(self) -> Narrator:
        """What tells of a run on this terminal, or in the file or pipe that is in its place."""
        told = Unstoppable(narrator(self.console))
        return NarratingThread(told) if self.console.is_terminal else told


@contextmanager
def signals_steer(control: Control, terminal: Terminal, *, keep: bool) -> Iterator[None]:
    """Let Ctrl-C, TERM and a hang-up save and stop, and USR1 save; a second Ctrl-C leaves at once.

    To `keep` a run is to go on without the terminal after a hang-up.
    """
    exit_codes = stop_signals()

    def stop(number: int, frame: FrameType | None) -> None:
        asked = signal.Signals(number)
        if asked.name == "SIGHUP" and keep:
            terminal.leave()
            return
        if asked == signal.SIGINT and control.stopped:
            terminal.restore()
            leave_at_once(ExitCode.INTERRUPTED)
        control.stop(f"stopped by {_SAID.get(asked.name, asked.name)}", exit_codes[asked])

    before = {number: signal.signal(number, stop) for number in exit_codes}
    for number in save_signals():
        before[number] = signal.signal(number, lambda number, frame: control.save())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SAID = {"SIGINT": "Ctrl-C", "SIGTERM": "the TERM signal", "SIGHUP": "a hang-up"}
