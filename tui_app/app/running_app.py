"""Runs the queue of this program: starts and resumes runs, reports outcomes, stops them at exit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui_app.app.dialogs.leave_question import LeaveQuestion
from tui_app.app.dialogs.resume_questions import ask_before_resuming
from tui_app.app.updating_app import UpdatingApp
from tui_app.monitoring.log import Log
from tui_app.monitoring.new_runs import new_runs, resumed_run
from tui_app.monitoring.process_run import ProcessRun
from tui_app.monitoring.queued_run import QueuedRun
from tui_app.monitoring.run_queue import RunQueue
from tui_app.terminal.display_options import DisplayOptions
from tui_app.terminal.native_output import NativeOutput
from tui_app.training.session_request import ResumeRequest

if TYPE_CHECKING:
    from tui_app.runs.settings.run_settings import RunSettings


class RunningApp(UpdatingApp):
    """Holds the queue of runs and the log."""

    def __init__(self, display: DisplayOptions, native_output: NativeOutput | None) -> None:
        super().__init__(display)
        self.queue: RunQueue | None = None
        self.startup_log = Log()
        self.handed_over: Path | None = None
        self.left_training: ProcessRun | None = None
        self._native_output = native_output
        self._reported: set[int] = set()
        self._is_leaving = False

    @property
    def shows_training(self) -> bool:
        """Whether the screen shows how a run ended."""
        raise NotImplementedError

    def show_queue(self) -> None:
        """Show the runs that were started."""
        raise NotImplementedError

    def capture_prints(self) -> None:
        """Capture what Python code prints, for the log."""
        if self._native_output is not None:
            self._native_output.capture_prints()

    def poll(self) -> None:
        """Read what libraries have printed and what the runs have published since the last call."""
        if self._native_output is not None:
            for line in self._native_output.pop_lines():
                self.current_log.add(line, "output")
        if self.queue is not None:
            self.queue.poll()
            self._report_outcomes(self.queue)

    @property
    def current_log(self) -> Log:
        """The log of the run that trains or trained last; the startup log before any run."""
        return self.queue.current.history.log if self.queue is not None else self.startup_log

    def _report_outcomes(self, queue: RunQueue) -> None:
        for run in queue.started:
            if run.is_over and id(run) not in self._reported:
                self._reported.add(id(run))
                self._report_outcome(run)
                self.read_runs_again()
        if self._is_leaving and queue.is_over:
            self.exit(0)

    def _report_outcome(self, run: QueuedRun) -> None:
        failure, completed = run.failure, run.history.completed
        if failure is not None:
            if completed is None:  # else the log has the sentence already
                run.history.log.add(failure.sentence, "error")
            run.history.log.add(failure.traceback, "output")
        sentence = (
            failure.sentence if failure is not None else completed.reason if completed else ""
        )
        is_failure = completed is not None and completed.state == "failed"
        if (failure is not None or is_failure) and not self.shows_training:
            severity = "information" if failure and not failure.exit_code else "error"
            self.notify(sentence, severity=severity, timeout=12, markup=False)

    def start_runs(self, settings: Sequence[RunSettings]) -> None:
        """Train a run with each of these settings, one after another."""
        self._start(new_runs(settings))

    def _start(self, runs: Sequence[QueuedRun]) -> None:
        if self.queue is not None and self.queue.is_alive:
            self.notify("A run is under way: stop it first.", severity="warning")
            return
        self.queue = RunQueue(runs)
        self._reported.clear()
        self.show_queue()
        self.update_soon()

    def resume_run(self, request: ResumeRequest) -> None:
        """Resume a run, after the questions that it needs."""
        ask_before_resuming(self, request, self._resume)

    def _resume(self, request: ResumeRequest) -> None:
        self._start([resumed_run(request)])

    async def action_quit(self) -> None:
        """Exit; ask first while a run trains."""
        queue = self.queue
        if queue is None or not queue.is_alive:
            self.exit(0)
            return
        if not isinstance(self.screen, LeaveQuestion):
            self.push_screen(LeaveQuestion(queue), self._leave)

    def _leave(self, how: str | None) -> None:
        queue = self.queue
        if queue is None or how not in ("k", "s"):
            return
        if how == "k" and isinstance(queue.current, ProcessRun):
            self.left_training = queue.current
            self.exit(0)
            return
        if how == "k":
            self.handed_over = queue.current.folder
        self._is_leaving = True
        queue.stop("handed to a background process" if how == "k" else "stopped by you")
        self.notify("Saving, then exiting.")
        self.update_soon()
