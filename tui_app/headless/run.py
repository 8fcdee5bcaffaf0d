"""Trains without the app and prints a progress bar, plain lines or JSON."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tui_app.headless.console_output import JsonLines
from tui_app.headless.loading_progress import show_loading
from tui_app.headless.run_results import print_result, print_sweep_results
from tui_app.headless.run_terminal import RunTerminal
from tui_app.headless.signal_handling import stop_on_signals
from tui_app.inspection.diagnosis.listener import DiagnosisListener
from tui_app.runs.events import RunCompleted
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.listing import summarise
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import RunSettings, differences, differing
from tui_app.terminal.printing import stderr_console
from tui_app.terminal.streams import data_stream
from tui_app.training.dispatcher import TakesPacked
from tui_app.training.prepare import check_models
from tui_app.training.session_request import MakeSession, NewRunRequest
from tui_app.training.steering.control import Control


@dataclass(frozen=True)
class OutputOptions:
    """What a headless run prints: JSON lines on stdout, or nothing but its result."""

    json: bool = False
    quiet: bool = False

    def console(self) -> Console:
        """Return the console for progress and messages."""
        console = stderr_console()
        console.quiet = self.quiet or self.json
        return console


def train_all(
    settings: Sequence[RunSettings], output: OutputOptions, folder: RunFolder | None = None
) -> int:
    """Train one run after the other; return the first exit code that isn't 0.

    A `folder` that was made before is for a single run.
    """
    control, console = Control(), output.console()
    terminal = RunTerminal(console)
    completed: list[tuple[RunSettings, RunCompleted]] = []
    with stop_on_signals(control, terminal, keep=settings[0].options.on_hangup == "keep"):
        if len(settings) > 1:
            with show_loading(console) as on_progress:
                check_models(settings, on_progress, control.must_stop)
        try:
            for number, each in enumerate(settings, 1):
                if len(settings) > 1:
                    console.print(f"run {number} of {len(settings)}: {differing(each, settings)}")
                make = NewRunRequest(each, folder)
                completed.append((each, train_one(make, control, output, terminal)))
                if control.stop_request:
                    break
        finally:
            if len(settings) > 1 and completed and not output.json:
                rows = [(differences(each, settings), done) for each, done in completed]
                first = RunFolder(Path(settings[0].options.runs_dir) / completed[0][1].run)
                higher = summarise(first).higher_is_better
                print_sweep_results(rows, higher_is_better=higher)
    return next((done.exit_code for _, done in completed if done.exit_code), ExitCode.DONE)


def train_one(
    make: MakeSession, control: Control, output: OutputOptions, terminal: RunTerminal
) -> RunCompleted:
    """Prepare a session with `make`, train it, and print its events and its result."""
    console = terminal.console
    if not gc.get_freeze_count():
        gc.freeze()  # a garbage collection looks through torch's modules for 0.2 s, in mid-run
    terminal.begin_preparing()
    control.begin_preparing()
    try:
        with show_loading(console) as on_progress:
            session = make(control, on_progress)
    except BaseException:
        terminal.print_notes()
        raise
    printer = JsonLines(data_stream()) if output.json else terminal.event_printer()
    terminal.begin(session, printer)
    with printer:
        listeners = [TakesPacked(printer)]
        completed = session.train(control, listeners, DiagnosisListener.of_session)
    terminal.finish()
    if not output.json:
        print_result(console, session, completed)
    return completed
