"""Searches for hyperparameters in this process, or in several that it starts and watches."""

from __future__ import annotations

from contextlib import closing

from tui_app.headless.console_thread import ConsoleThread
from tui_app.headless.loading_progress import show_loading
from tui_app.headless.run import OutputOptions
from tui_app.headless.run_terminal import RunTerminal
from tui_app.headless.search_output import (
    Silent,
    TrialBar,
    TrialLines,
    print_beginning,
    print_search_result,
)
from tui_app.headless.search_request import SearchRequest
from tui_app.headless.search_workers import Workers
from tui_app.headless.signal_handling import stop_on_signals
from tui_app.inspection.diagnosis.listener import DiagnosisListener
from tui_app.runs.events import Listener, RunCompleted
from tui_app.runs.exit_codes import ExitCode
from tui_app.search.study import Study
from tui_app.search.trial import OpenTrial
from tui_app.search.worker import TrialEnded, Worker
from tui_app.training.dispatcher import TakesPacked
from tui_app.training.session_request import MakeSession
from tui_app.training.steering.control import Control


def search(request: SearchRequest, output: OutputOptions) -> int:
    """Train trials until the study has all; return the exit code."""
    control, console = Control(), output.console()
    terminal = RunTerminal(console)
    with (
        stop_on_signals(control, terminal, keep=request.keep),
        closing(request.open(console, control)) as study,
    ):
        summary = request.summary()
        print_beginning(console, summary)
        lines = TrialLines(
            console, summary.metric, higher=summary.higher_is_better, as_json=output.json
        )
        lines.start_with(summary)
        if request.workers == 1:
            _work(request, study, control, terminal, lines)
    code = ExitCode.DONE
    if request.workers > 1 and control.stop_request is None:
        code = Workers(request, console, lines).run()
    summary = request.summary()
    if not output.json:
        print_search_result(console, summary)
    if control.stop_request is not None:
        return control.stop_request.exit_code
    # While trials are left to others, nobody knows yet how the study ends.
    has_failed = summary.state == "completed" and summary.best is None
    return code or (ExitCode.FAILED if has_failed else ExitCode.DONE)


def _work(
    request: SearchRequest,
    study: Study,
    control: Control,
    terminal: RunTerminal,
    lines: TrialLines,
) -> None:
    def train(make: MakeSession, trial: OpenTrial, listener: Listener) -> RunCompleted:
        return _train(make, trial, listener, control, terminal)

    def on_ended(ended: TrialEnded) -> None:
        lines(ended.as_plain())

    Worker(study, request.lecture, request.machine, control, train, on_ended).work()


def _train(
    make: MakeSession,
    trial: OpenTrial,
    listener: Listener,
    control: Control,
    terminal: RunTerminal,
) -> RunCompleted:
    """Train the run of a trial, as any headless run, but for what is printed."""
    console = terminal.console
    terminal.begin_preparing()
    with show_loading(console) as on_progress:
        session = make(control, on_progress)
    can_move = console.is_terminal and not console.is_dumb_terminal and not console.quiet
    printer = ConsoleThread(TrialBar(console, trial.number)) if can_move else Silent()
    terminal.begin(session, printer)
    with printer:
        listeners = [TakesPacked(printer), listener]
        completed = session.train(control, listeners, DiagnosisListener.of_session)
    terminal.finish()
    return completed
