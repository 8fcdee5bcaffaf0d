"""The app on a POSIX terminal: signals, native output, and what goes on after it has gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from models.user_files.child_processes import without_working_folder
from tui_app.app.app import TutorchApp
from tui_app.app.session.job_control import JobControl
from tui_app.monitoring import lecture_thread
from tui_app.monitoring.random_numbers import PROBE_THREAD
from tui_app.runs.errors import DamagedRun
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_files import open_file, open_log
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_trust import is_trust_unsaved
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

#: Seconds that a run may take to save, and the app to leave, after a signal.
_SAVING = 30.0
_LEAVING = 3.0

#: The threads of a run and of a lecture that is loaded, either of which may be stuck.
_WORK_THREADS = ("training", lecture_thread.THREAD_NAME, PROBE_THREAD)

#: Seconds between two looks, without a terminal, whether the next run's turn has come.
_LOOKING = 0.5


def run_on_terminal(make: Callable[[NativeOutput], TutorchApp]) -> int:
    """Run the app that `make` builds, which hears native output; the exit code."""
    for name in ("COLUMNS", "LINES"):  # rich would believe them, and Textual the terminal: for ever
        os.environ.pop(name, None)
    output = NativeOutput()
    _start_process_helpers()
    app = make(output)
    app.driver_class = TerminalDriver
    visit = TerminalSession(app, output)
    TerminalDriver.terminal, TerminalDriver.owner = output.terminal, visit
    signals = SignalThread(visit.hear)
    try:
        result = asyncio.run(visit.run())
        if visit.is_left:
            return visit.train_on()
    except OSError:  # a terminal that was hung up refuses even to be left
        if not visit.is_left:
            raise
        return visit.train_on()
    finally:
        visit.is_over.set()
        signals.restore()
        output.restore()
    if app.return_code:  # the app itself broke, and said why where nobody could read it
        sys.stderr.write("\n".join(output.pop_lines()) + "\n")
        return ExitCode.FAILED
    if app.handed_over is not None:
        _hand_over(app)
    exit_code = visit.exit_code or result or ExitCode.DONE
    _leave_threads_behind(exit_code)
    return exit_code


class TerminalSession:
    """One time that the app is on the terminal."""

    def __init__(self, app: TutorchApp, output: NativeOutput) -> None:
        self.app = app
        self.exit_code = 0
        self.is_over = threading.Event()
        self.is_left = False
        self._output = output
        self._terminal = output.terminal
        self._attributes = termios.tcgetattr(0) if os.isatty(0) else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.job = JobControl(app)
        self._leaving = threading.Lock()

    async def run(self) -> int | None:
        """Run the app to its end."""
        self._loop = asyncio.get_running_loop()
        return await self.app.run_async()

    def hear(self, number: signal.Signals) -> None:
        """Save, or save and leave, in the thread of the signals: nothing can block that.

        What suspends the app and brings it back draws, and belongs to the event loop.
        """
        if number in suspend_signals():
            self._hear_job_control(number)
            return
        if number in save_signals():
            if self.app.queue is not None:
                self.app.queue.current.control.save()
            return
        if number.name == "SIGHUP" and (self.is_left or self._is_to_be_left()):
            self._leave()
            return
        if self.exit_code and number == signal.SIGINT:
            self._force()
        self.exit_code = stop_signals()[number]
        threading.Thread(target=self._end, args=(number,), daemon=True).start()

    def on_terminal_taken(self) -> None:
        """Come back to it later."""
        self.job.watch()

    def on_terminal_gone(self) -> None:
        """Do what a hang-up does, which there may be no signal of."""
        self.hear(signal.SIGHUP)

    def _hear_job_control(self, number: signal.Signals) -> None:
        """Suspend the app, or bring its screen back; what trains without an app is only suspended,
        and needs nothing to go on.
        """
        self.job.is_wanted = is_suspending = number.name == "SIGTSTP"
        act = self.job.suspend if is_suspending else self.job.continued
        if (self.is_left or not self._in_loop(act)) and is_suspending:
            suspend_process()

    def _in_loop(self, act: Callable[[], object]) -> bool:
        """Let the event loop call `act`: whether there is one."""
        if self._loop is None:
            return False
        try:
            self._loop.call_soon_threadsafe(act)
        except RuntimeError:  # it has been closed
            return False
        return True

    def _is_to_be_left(self) -> bool:
        """Whether something trains here that is to go on after a hang-up."""
        queue = self.app.queue
        if queue is None or not queue.is_alive:
            return False
        if queue.current.folder is None:  # it prepares
            return True
        try:
            options = RunFolder(queue.current.folder).read_record().options
        except DamagedRun:
            return True
        return options.get("on_hangup") != "stop"

    def _leave(self) -> None:
        """End the app, and nothing else: the terminal has gone."""
        with self._leaving:  # the signal and the end of what can be read come together
            if self.is_left:
                return
            self.is_left = True
        folder = self.app.queue.current.folder if self.app.queue is not None else None
        log = open_log(folder / "log.txt" if folder is not None else None)
        self._output.redirect_to_log(log)
        os.close(log)
        self._in_loop(partial(self.app.exit, 0))

    def train_on(self) -> int:
        """Wait until all that was to be trained here is; the last run's exit code."""
        queue = self.app.queue
        assert queue is not None
        while not queue.is_over:
            queue.poll()
            queue.current.join(_LOOKING)
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
        if not self.is_over.wait(_LEAVING):
            self._force()

    def _force(self) -> None:
        """Give the terminal back without the event loop, which it may have blocked, and end."""
        if self.job.has_terminal:
            write_without_blocking(self._terminal, RESTORE)
        if self.job.has_terminal and self._attributes is not None:
            with suppress(OSError, termios.error):  # it is gone
                termios.tcsetattr(0, termios.TCSANOW, self._attributes)
        exit_immediately(self.exit_code)


def _start_process_helpers() -> None:
    """Start multiprocessing's own processes while descriptors 0 to 2 are what Python expects.

    Later they would be given those of Textual's stand-ins for stdout and stderr, and refuse.
    """
    from multiprocessing import forkserver, get_all_start_methods, resource_tracker

    with without_working_folder():
        resource_tracker.ensure_running()
        if get_all_start_methods()[0] == "forkserver":
            forkserver.ensure_running()


def _leave_threads_behind(exit_code: int) -> None:
    """End the program here and now if something doesn't come back from the code that it is in.

    Python would end such a thread while the program does, in whatever libraries it is: they abort.
    """
    if any(thread.name in _WORK_THREADS and thread.is_alive() for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        exit_immediately(exit_code)


def _hand_over(app: TutorchApp) -> None:
    """Let a process of its own go on with the run, and say how to come back."""
    assert app.handed_over is not None
    folder: Path = app.handed_over
    run = app.queue.current if app.queue is not None else None
    completed = run.history.completed if run is not None else None
    if completed is None or completed.state != "stopped":
        sys.stderr.write(f"tutorch: {folder} needs no more training.\n")
        return
    # -P: the working folder may have a torch.py of the user's. What has trained is what the run
    # keeps, whatever the user has written into the file meanwhile.
    words = ["-P", "-m", "tui_app", "resume", str(folder), "--no-tui", "--source", "kept"]
    words += ["--trust"] if is_trust_unsaved(RunFolder(folder)) else []
    with open_file(folder / "log.txt", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _path()},
        )
    sys.stderr.write(
        f"tutorch: training goes on as process {process.pid}, in {folder}\n"
        f"  to watch it   tutorch, then b\n"
        f"  to stop it    kill {process.pid}    (it saves first)\n"
        f"  its log       tail -f {folder / 'log.txt'}\n"
    )


def _path() -> str:
    """The import path of the new process: this program may not be installed."""
    here = str(Path(__file__).resolve().parents[3])
    return os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
