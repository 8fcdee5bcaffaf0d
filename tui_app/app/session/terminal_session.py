"""Runs the app on a POSIX terminal: signals, output of libraries, and training after a hang-up."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from models.user_files.child_processes import without_working_folder
from tui_app.app.app import TutorchApp
from tui_app.app.session.background_training import (
    print_how_to_watch,
    resume_in_background,
)
from tui_app.app.session.job_control import JobControl
from tui_app.monitoring import lecture_thread
from tui_app.monitoring.random_numbers import PROBE_THREAD
from tui_app.runs.errors import DamagedRun
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.files.run_files import open_log
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.driver import RESTORE, TerminalDriver
from tui_app.terminal.native_output import NativeOutput
from tui_app.terminal.printing import write_without_blocking
from tui_app.terminal.signal_thread import SignalThread
from tui_app.terminal.signals import (
    exit_immediately,
    save_signals,
    stop_reason,
    stop_signals,
    suspend_process,
    suspend_signals,
)

#: Seconds that a run may take to save, and the app to exit, after a signal.
_SAVING = 30.0
_EXITING = 3.0

#: The threads that run a user's code, which may never return.
_WORK_THREADS = ("training", lecture_thread.THREAD_NAME, PROBE_THREAD)

#: Seconds between two polls of the queue once the terminal has gone.
_POLLING = 0.5


def run_on_terminal(make: Callable[[NativeOutput], TutorchApp]) -> int:
    """Run the app that `make` builds with the output of libraries. Returns the exit code."""
    for name in ("COLUMNS", "LINES"):  # they would stay as they are when the terminal is resized
        os.environ.pop(name, None)
    output = NativeOutput()
    _start_process_helpers()
    app = make(output)
    app.driver_class = TerminalDriver
    session = TerminalSession(app, output)
    TerminalDriver.terminal, TerminalDriver.owner = output.terminal, session
    signals = SignalThread(session.on_signal)
    try:
        result = asyncio.run(session.run())
        if session.is_detached:
            return session.train_on()
    except OSError:  # after a hang-up, Textual can't restore the terminal
        if not session.is_detached:
            raise
        return session.train_on()
    finally:
        session.is_over.set()
        signals.restore()
        output.restore()
    if app.return_code:  # the app crashed, and its traceback went to the captured output
        sys.stderr.write("\n".join(output.pop_lines()) + "\n")
        return ExitCode.FAILED
    if app.handed_over is not None:
        resume_in_background(app.handed_over, app.queue.current if app.queue is not None else None)
    left = app.left_training
    if left is not None and left.pid is not None and left.run_folder is not None:
        print_how_to_watch(left.pid, left.run_folder)
    if searches := app.searches.describe_running(app.runs_dir):
        with suppress(OSError):  # the terminal is gone: not even an empty text can be written
            sys.stderr.write(searches)
    exit_code = session.exit_code or result or ExitCode.DONE
    _abandon_stuck_threads(exit_code)
    return exit_code


class TerminalSession:
    """Handles signals while the app runs, and trains on without a terminal after a hang-up."""

    def __init__(self, app: TutorchApp, output: NativeOutput) -> None:
        self.app = app
        self.exit_code = 0
        self.is_over = threading.Event()
        self.is_detached = False
        self._output = output
        self._terminal = output.terminal
        self._attributes = termios.tcgetattr(0) if os.isatty(0) else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.job = JobControl(app)
        self._detaching = threading.Lock()

    async def run(self) -> int | None:
        """Run the app to its end."""
        self._loop = asyncio.get_running_loop()
        return await self.app.run_async()

    def on_signal(self, number: signal.Signals) -> None:
        """Save, or save and exit, in the signal thread, which nothing blocks.

        Suspending and continuing draw, so the event loop does that.
        """
        if number in suspend_signals():
            self._on_job_control(number)
            return
        if number in save_signals():
            if self.app.queue is not None:
                self.app.queue.current.control.save()
            return
        if number.name == "SIGHUP" and (self.is_detached or self._trains_on_after_hangup()):
            self._detach()
            return
        if self.exit_code and number == signal.SIGINT:
            self._force()
        self.exit_code = stop_signals()[number]
        threading.Thread(target=self._end, args=(number,), daemon=True).start()

    def on_terminal_taken(self) -> None:
        """Draw again once the app is in the foreground: another process has the terminal."""
        self.job.watch()

    def on_terminal_gone(self) -> None:
        """Do what SIGHUP does, which may not be sent."""
        self.on_signal(signal.SIGHUP)

    def _on_job_control(self, number: signal.Signals) -> None:
        """Suspend the app, or draw its screen again. Without a screen, only suspend the process."""
        self.job.is_requested = is_suspending = number.name == "SIGTSTP"
        action = self.job.suspend if is_suspending else self.job.on_continued
        if (self.is_detached or not self._in_loop(action)) and is_suspending:
            suspend_process()

    def _in_loop(self, action: Callable[[], object]) -> bool:
        """Let the event loop call `action`. Returns whether there is a loop."""
        if self._loop is None:
            return False
        try:
            self._loop.call_soon_threadsafe(action)
        except RuntimeError:  # it has been closed
            return False
        return True

    def _trains_on_after_hangup(self) -> bool:
        """Whether a run trains here that a hang-up doesn't stop."""
        queue = self.app.queue
        if queue is None or not queue.is_alive:
            return False
        if queue.current.folder is None:  # its data and model are being prepared
            return True
        try:
            options = RunFolder(queue.current.folder).read_record().options
        except DamagedRun:
            return True
        return options.get("on_hangup") != "stop"

    def _detach(self) -> None:
        """Exit the app and train on without a terminal; output goes to the run's log."""
        with self._detaching:  # the signal and the end of input arrive together, in two threads
            if self.is_detached:
                return
            self.is_detached = True
        folder = self.app.queue.current.folder if self.app.queue is not None else None
        log = open_log(folder / "log.txt" if folder is not None else None)
        self._output.redirect_to_log(log)
        os.close(log)
        self._in_loop(partial(self.app.exit, 0))

    def train_on(self) -> int:
        """Wait until all runs of the queue are over. Returns the exit code of the last one."""
        queue = self.app.queue
        assert queue is not None
        while not queue.is_over:
            has_exited = queue.current.join(_POLLING)
            if not queue.poll() and has_exited:  # a run may train on without its launcher
                time.sleep(_POLLING)
        completed, failure = queue.current.history.completed, queue.current.failure
        if failure is not None:
            return failure.exit_code
        return completed.exit_code if completed is not None else ExitCode.FAILED

    def _end(self, number: signal.Signals) -> None:
        queue = self.app.queue
        if queue is not None:
            queue.stop(stop_reason(number), self.exit_code)
            queue.current.join(_SAVING)
        self._in_loop(partial(self.app.exit, self.exit_code))
        if not self.is_over.wait(_EXITING):
            self._force()

    def _force(self) -> None:
        """Restore the terminal without the event loop, which may be blocked, and exit."""
        if self.job.has_terminal:
            write_without_blocking(self._terminal, RESTORE)
        if self.job.has_terminal and self._attributes is not None:
            with suppress(OSError, termios.error):  # the terminal is gone
                termios.tcsetattr(0, termios.TCSANOW, self._attributes)
        exit_immediately(self.exit_code)


def _start_process_helpers() -> None:
    """Start multiprocessing's helper processes while descriptors 0 to 2 are the original ones.

    Started later, they would inherit Textual's replacements of stdout and stderr, and fail.
    """
    from multiprocessing import forkserver, get_all_start_methods, resource_tracker

    with without_working_folder():
        resource_tracker.ensure_running()
        if get_all_start_methods()[0] == "forkserver":
            forkserver.ensure_running()


def _abandon_stuck_threads(exit_code: int) -> None:
    """Exit immediately while a thread still runs a user's code.

    A normal exit would end that thread inside a library, which then aborts the process.
    """
    if any(thread.name in _WORK_THREADS and thread.is_alive() for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        exit_immediately(exit_code)
