"""Handles signals and job control, and restores the terminal; does less where POSIX is missing."""

from __future__ import annotations

import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn


def stop_signals() -> dict[signal.Signals, int]:
    """Map each signal that saves and stops a run to the exit code that a shell gives it."""
    return {number: 128 + number for number in _existing("SIGHUP", "SIGINT", "SIGTERM")}


def save_signals() -> list[signal.Signals]:
    """Return the signals that save a run and let it continue."""
    return _existing("SIGUSR1")


def suspend_signals() -> list[signal.Signals]:
    """Return the signal that suspends the program and the one that continues it."""
    return _existing("SIGTSTP", "SIGCONT")


def stop_reason(number: signal.Signals) -> str:
    """Return the reason that a run stopped by this signal records."""
    names = {"SIGINT": "Ctrl-C", "SIGTERM": "the TERM signal", "SIGHUP": "a hang-up"}
    return f"stopped by {names.get(number.name, number.name)}"


def _existing(*names: str) -> list[signal.Signals]:
    """Return those of the signals that this system has."""
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]


def has_job_control() -> bool:
    """Whether a shell would notice that this program is suspended and could continue it."""
    import psutil

    with suppress(psutil.Error, OSError):
        # The first process of the job: `uv run` or a script may have started tutorch.
        parent = psutil.Process(os.getpgrp()).ppid()
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    return False


def suspend_job() -> None:
    """Suspend every process of this job, as a terminal does on Ctrl-Z."""
    os.kill(0, signal.SIGTSTP)


def suspend_process() -> None:
    """Suspend this process, whatever it is doing."""
    os.kill(os.getpid(), signal.SIGSTOP)


def detach_from_terminal(log: int) -> None:
    """Redirect those of descriptors 0, 1 and 2 that lead to a terminal.

    Output goes to the descriptor `log`; input is empty. After a hang-up every access to the
    terminal fails, which would end whatever library writes to it.
    """
    empty = os.open(os.devnull, os.O_RDONLY)
    for number, instead in ((0, empty), (1, log), (2, log)):
        if _leads_to_terminal(number):
            os.dup2(instead, number)
    os.close(empty)


def _leads_to_terminal(number: int) -> bool:
    """Whether the descriptor leads to a terminal, or did before a hang-up."""
    try:
        status = os.fstat(number)
    except OSError:  # closed
        return False
    # After a hang-up isatty() is false, but the terminal is still a device.
    return stat.S_ISCHR(status.st_mode) and status.st_rdev != Path(os.devnull).stat().st_rdev


def exit_immediately(exit_code: int) -> NoReturn:
    """End this process without cleaning up, for a second Ctrl-C."""
    os._exit(exit_code)


@contextmanager
def preserved_handler(name: str) -> Iterator[None]:
    """Restore the handler of a signal that code in this context replaces."""
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
    """Let a DataLoader worker ignore Ctrl-C, hang-ups, Ctrl-Z and USR1.

    A terminal or a scheduler sends these to every process. A worker that dies of one would end a
    run that is about to be saved; a suspended one would stay suspended when only the training
    process is continued. TERM still ends a worker, since its parent uses it for that.
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
