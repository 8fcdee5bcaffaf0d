"""What only POSIX systems have, in one place: elsewhere each of these does less, and harmlessly."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_files import open_descriptor

_STOPPING = {
    "SIGHUP": ExitCode.HUNG_UP,
    "SIGINT": ExitCode.INTERRUPTED,
    "SIGTERM": ExitCode.TERMINATED,
}


def stop_signals() -> dict[signal.Signals, ExitCode]:
    """The signals that ask a run to save and stop, as far as there are such, with exit codes."""
    return {
        signal.Signals[name]: exit_code
        for name, exit_code in _STOPPING.items()
        if name in signal.Signals.__members__
    }


def save_signals() -> list[signal.Signals]:
    """The signals that ask a run to save now and go on, as far as there are such."""
    return [signal.Signals[name] for name in ("SIGUSR1",) if name in signal.Signals.__members__]


def suspend_signals() -> list[signal.Signals]:
    """The signal that asks a program to suspend itself, and the one that continues it."""
    names = ("SIGTSTP", "SIGCONT")
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]


def has_job_control() -> bool:
    """Whether a shell would notice that this program is suspended, and could continue it."""
    import psutil

    with suppress(psutil.Error, OSError):
        first = psutil.Process(os.getpgrp())  # of the job: `uv run` and scripts come before tutorch
        parent = first.ppid()
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    return False


def suspend_job() -> None:
    """Suspend every program of this job, as a terminal does on Ctrl-Z."""
    os.kill(0, signal.SIGTSTP)


def suspend_at_once() -> None:
    """Suspend this process, whatever it was doing."""
    os.kill(os.getpid(), signal.SIGSTOP)


def leave_terminal(log: Path | None) -> None:
    """Let those of descriptors 0, 1 and 2 that lead to a terminal lead to `log` from now on.

    Reading gets nothing, and without a `log` writing goes nowhere. A terminal that was hung up
    answers everything with an error, which would end whatever library writes there.
    """
    reading = os.open(os.devnull, os.O_RDONLY)
    writing = _open_log(log)
    for number, instead in ((0, reading), (1, writing), (2, writing)):
        if _leads_to_terminal(number):
            os.dup2(instead, number)
    os.close(reading)
    os.close(writing)


def _open_log(log: Path | None) -> int:
    if log is not None:
        with suppress(OSError):  # the run folder has gone, or something else lies there
            return open_descriptor(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    return os.open(os.devnull, os.O_WRONLY)


def _leads_to_terminal(number: int) -> bool:
    """Whether the descriptor is, or was before a hang-up, a terminal's."""
    try:
        status = os.fstat(number)
    except OSError:  # closed
        return False
    # A terminal that was hung up says of itself that it is none; it still is a device.
    return stat.S_ISCHR(status.st_mode) and status.st_rdev != Path(os.devnull).stat().st_rdev


def leave_at_once(exit_code: ExitCode) -> NoReturn:
    """End this program without another line of it being run: for a second Ctrl-C."""
    os._exit(exit_code)


@contextmanager
def kept_signal(name: str) -> Iterator[None]:
    """Keep what is done on a signal as it is, whatever is called meanwhile sets for it."""
    is_here = name in signal.Signals.__members__
    if not is_here or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.Signals[name])
    try:
        yield
    finally:
        signal.signal(signal.Signals[name], before)


def leave_signals_to_parent(worker: int = 0) -> None:
    """In a DataLoader's worker: leave Ctrl-C, a hang-up, Ctrl-Z and USR1 to the training process.

    A terminal, or a scheduler, sends them to every process; a worker that died of one would end a
    run that is about to be saved, and one that was suspended would stay so when only the training
    process is continued. TERM ends a worker, as its parent means it to.
    """
    for name, action in (
        ("SIGINT", signal.SIG_IGN),
        ("SIGHUP", signal.SIG_IGN),
        ("SIGUSR1", signal.SIG_IGN),
        ("SIGTSTP", signal.SIG_IGN),
        ("SIGTERM", signal.SIG_DFL),
    ):
        if name in signal.Signals.__members__:
            signal.signal(signal.Signals[name], action)
