"""Starts the ranks of `--devices N` on this machine, and ends with the exit code of rank 0.

A child, the agent (`launch_agent.py`), is torchrun: it starts the ranks and watches them. This
process only passes signals on to rank 0, and so isn't bound to torchrun's 30 seconds to save in.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.signal_thread import handle_signals
from tui_app.terminal.signals import has_job_control, stop_signals, suspend_process
from tui_app.terminal.streams import data_stream
from tui_app.training.devices.machine_load import usable_cores
from tui_app.training.ranks.launch_folder import FOLDER_VARIABLE, LaunchFolder

#: Seconds that rank 0 has to save in when the agent was killed.
_LAST_SAVE = 60.0


def train_on_devices(count: int, argv: Sequence[str]) -> int:
    """Run this program with `argv` as `count` ranks; return the exit code of rank 0.

    Ctrl-C, TERM, a hang-up and USR1 go to rank 0; a second Ctrl-C too, which then ends at once.
    """
    with tempfile.TemporaryDirectory(prefix="tutorch-", ignore_cleanup_errors=True) as place:
        ranks = _Ranks(count, argv, LaunchFolder(Path(place)))
        with handle_signals(ranks.on_signal):
            return ranks.wait()


class _Ranks:
    """The agent and its ranks. `on_signal` is called in a thread of its own."""

    def __init__(self, count: int, argv: Sequence[str], folder: LaunchFolder) -> None:
        self._folder = folder
        self._stopped_by: signal.Signals | None = None
        # The agent reads from this pipe until this process is gone, however it ended.
        reading, self._alive = os.pipe()
        words = ["-P", "-m", "tui_app.training.ranks.launch_agent", str(count), str(reading), *argv]
        self._agent = subprocess.Popen(
            [sys.executable, *words],
            stdout=_stdout(),
            start_new_session=True,  # a terminal's Ctrl-C is for this process to pass on
            pass_fds=(reading,),
            env=_environment(count, folder),
        )
        os.close(reading)

    def wait(self) -> int:
        """Wait until all ranks have ended; the exit code of rank 0."""
        agent_code = self._agent.wait()
        os.close(self._alive)
        if agent_code < 0 and (rank_0 := self._rank_0()) is not None:
            with suppress(psutil.TimeoutExpired):  # the ranks notice that their agent is gone
                rank_0.wait(_LAST_SAVE)
        exit_code = self._folder.read_exit_code()
        if exit_code is not None:
            return exit_code
        if self._stopped_by is not None:
            return stop_signals()[self._stopped_by]
        return agent_code if agent_code > 0 else ExitCode.FAILED

    def on_signal(self, number: signal.Signals) -> None:
        """Pass a signal on."""
        if number.name in ("SIGTSTP", "SIGCONT"):
            self._suspend_or_continue(number)
            return
        if number in stop_signals():
            self._stopped_by = self._stopped_by or number
            self._folder.write_stop(number)
        rank_0 = self._rank_0()
        with suppress(psutil.NoSuchProcess):
            if rank_0 is not None:
                rank_0.send_signal(number)
            elif number in stop_signals():  # nothing has begun that could be saved
                self._agent.terminate()

    def _suspend_or_continue(self, number: signal.Signals) -> None:
        """Suspend or continue all ranks with this process: they aren't processes of its job."""
        is_suspending = number.name == "SIGTSTP"
        if is_suspending and not has_job_control():
            return
        with suppress(psutil.NoSuchProcess):
            for rank in psutil.Process(self._agent.pid).children():
                with suppress(psutil.NoSuchProcess):
                    rank.suspend() if is_suspending else rank.resume()
        if is_suspending:
            suspend_process()

    def _rank_0(self) -> psutil.Process | None:
        """Rank 0, once it runs and until it has ended."""
        pid = self._folder.read_pid()
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pid) if pid is not None else None
        return None


def _stdout() -> int | None:
    """The descriptor of standard output, also while it is reserved; None for this process's."""
    try:
        return data_stream().fileno()
    except (OSError, ValueError):  # it is no file
        return None


def _environment(count: int, folder: LaunchFolder) -> dict[str, str]:
    here = str(Path(__file__).resolve().parents[3])  # this program may not be installed
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH", "")]))
    threads = str(max(1, usable_cores() // count))
    return {
        "OMP_NUM_THREADS": threads,  # else torchrun says 1, and warns of it
        "TORCH_CPP_LOG_LEVEL": "ERROR",  # of a store whose server is gone, it logs each request
        **os.environ,
        "PYTHONPATH": path,
        FOLDER_VARIABLE: str(folder.path),
    }
