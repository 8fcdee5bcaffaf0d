"""Trains a run in a process of its own, and monitors it through its run folder.

A run on several devices is one: its group of processes can't be threads of this program. The
process goes on when this program ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from tui_app.monitoring.detached_process import start_detached
from tui_app.monitoring.failures import Failure, failure_of
from tui_app.monitoring.history import History
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.monitoring.run_command import RunCommand
from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.run_files import is_there, open_file
from tui_app.runs.listing import read_status
from tui_app.runs.run_folder import RunFolder
from tui_app.text.escaping import printable
from tui_app.training.steering.control import Steering

#: What the process prints, in the run folder: log.txt has the run's own lines.
OUTPUT = "output.txt"

#: Bytes read of the end of the output.
_LARGEST_OUTPUT = 1 << 16

#: How a sentence on stderr begins: tutorch's, or its report that a rank ended the others.
_PREFIX = "tutorch: "
_SENTENCE = re.compile(rf"{_PREFIX}|rank \d+ \(process")

_CANCELLED = "Cancelled before training began."


class ProcessRun:
    """Starts the command's process and waits until it trains; from then on, what the run folder
    says is the run.
    """

    loop_control = None
    stuck_at = ""

    def __init__(self, title: str, command: RunCommand) -> None:
        self.title = title
        self.control = _ProcessControl(self)
        self.failure: Failure | None = None
        self.recorded: RecordedRun | None = None
        self.is_stopped = False
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: RunFolder | None = None
        self._output: _Output | None = None
        self._trainer_before: object = None
        self._preparing = History()
        self._has_ended = False

    @property
    def folder(self) -> Path | None:
        """Its run folder, once it trains."""
        return self.recorded.folder if self.recorded is not None else None

    @property
    def name(self) -> str:
        """`<lecture>/<time>`, or its title until it trains."""
        return self.recorded.name if self.recorded is not None else self.title

    @property
    def history(self) -> History:
        """Its events, as of the last `poll`; another object once it trains."""
        return self.recorded.history if self.recorded is not None else self._preparing

    @property
    def run_folder(self) -> Path | None:
        """The folder that it trains in, or will."""
        return self._folder.path if self._folder is not None else None

    @property
    def pid(self) -> int | None:
        """The number of its process, once it was started."""
        return self._process.pid if self._process is not None else None

    @property
    def stage(self) -> str:
        """What it does before it trains: the last line that it printed."""
        if self.recorded is not None:
            return self.recorded.stage
        if self._process is None:
            return "" if self.failure is not None else "waiting for its turn"
        last = self._output.lines()[-1:] if self._output is not None else []
        return last[0] if last else f"starting {self._command.devices} processes"

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_over(self) -> bool:
        """Whether it has ended and `poll` has read all its events."""
        return self._has_ended

    def start(self) -> None:
        """Start the process."""
        try:
            folder = self._folder = self._command.open_folder()
            self._trainer_before = _trainer(folder)
            self._output = _Output(folder.path / OUTPUT)
            self._process = start_detached(self._command.words(folder), self._output.path)
        except Exception as error:  # noqa: BLE001  a run that can't start must not end the app
            self.failure = failure_of(error)
            self._end_without_run()

    def join(self, seconds: float) -> bool:
        """Wait until its process has ended, at most so long; return whether it has."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        return not self.is_alive

    def terminate(self) -> None:
        """Let the process save and stop, as SIGTERM does."""
        if self._process is not None:
            self._process.terminate()

    def poll(self) -> bool:
        """Read what its folder has since the last call; return whether that is anything."""
        if self._has_ended or self._process is None or self._folder is None:
            return False
        has_exited = not self.is_alive  # before the folder is read: then it holds all
        if self.recorded is None and _trainer(self._folder) != self._trainer_before:
            self.recorded = RecordedRun(self._folder)
        news = False
        if self.recorded is not None:
            news = self.recorded.refresh() if has_exited else self.recorded.poll()
        # Without its launcher, a run may still train: its folder decides.
        if not has_exited or (self.recorded is not None and not self.recorded.is_over):
            return news
        if self.recorded is None:
            self.failure = self._failure(self._process.returncode)
            self._end_without_run()
        else:
            if self.recorded.history.state == "crashed" and self._sentences():
                self.failure = self._failure(self._process.returncode)
            self._has_ended = True
        return True

    def _failure(self, exit_code: int) -> Failure:
        """Why the process ended, which its folder doesn't say."""
        if self.recorded is None and self.is_stopped:
            return Failure(_CANCELLED, "", 0)
        lines = self._output.lines() if self._output is not None else []
        found = [*lines, *self._sentences()]
        sentence = found[-1] if found else f"Its process ended with exit code {exit_code}."
        return Failure(sentence, "\n".join(lines if len(lines) > 1 else []), exit_code or 1)

    def _sentences(self) -> list[str]:
        lines = self._output.lines() if self._output is not None else []
        return [line.removeprefix(_PREFIX) for line in lines if _SENTENCE.match(line)]

    def _end_without_run(self) -> None:
        """Remove the folder of a run that never began, and end."""
        folder = self._folder
        if folder is not None and self._command.is_new and not is_there(folder.run_json):
            shutil.rmtree(folder.path, ignore_errors=True)
        self._preparing.fail()
        self._has_ended = True


class _ProcessControl(Steering):
    """Controls the run over its socket. A run that has none yet can only be stopped."""

    def __init__(self, run: ProcessRun) -> None:
        self._run = run

    @property
    def _remote(self) -> Steering | None:
        return self._run.recorded.control if self._run.recorded is not None else None

    def stop(self, reason: str = "stopped by request", exit_code: int = 0) -> None:
        """Save and stop at the next step."""
        self._run.is_stopped = True
        if self._remote is not None:
            self._remote.stop(reason, exit_code)
        else:
            self._run.terminate()

    def pause(self) -> None:
        """Pause after the current step."""
        if self._remote is not None:
            self._remote.pause()

    def unpause(self) -> None:
        """End a pause."""
        if self._remote is not None:
            self._remote.unpause()

    def run_steps(self, count: int) -> None:
        """Train `count` more steps, then pause."""
        if self._remote is not None:
            self._remote.run_steps(count)

    def run_epoch(self) -> None:
        """Finish the epoch, then pause."""
        if self._remote is not None:
            self._remote.run_epoch()

    def set_lr(self, lr: float) -> None:
        """Use this learning rate from the next step on."""
        if self._remote is not None:
            self._remote.set_lr(lr)

    def save(self) -> None:
        """Save last.pt after the current step."""
        if self._remote is not None:
            self._remote.save()


class _Output:
    """The file that a process prints into, from where it ends when this is made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._start = path.stat().st_size if is_there(path) else 0

    def lines(self) -> list[str]:
        """The printable lines so far that aren't empty; the last ones of a long output."""
        try:
            with open_file(self.path) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._start, size - _LARGEST_OUTPUT))
                text = file.read(_LARGEST_OUTPUT).decode("utf-8", errors="replace")
        except OSError:
            return []
        return [printable(line.rstrip()) for line in text.splitlines() if line.strip()]


def _trainer(folder: RunFolder) -> object:
    """What identifies the process that trains the run, or trained it last; None if none did."""
    with suppress(DamagedRun):
        if status := read_status(folder):
            return status.get("pid"), status.get("host"), status.get("identity")
    return None
