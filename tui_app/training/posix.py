"""What only POSIX systems have, in one place: elsewhere each of these does less, and harmlessly."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import NoReturn

from tui_app.training.exit_codes import ExitCode

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


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries (a rename just made) to the disk, where a folder can be synced."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_running(pid: int) -> bool:
    """Whether a process of this number is on this machine; True where that can't be asked."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def leave_at_once(exit_code: ExitCode) -> NoReturn:
    """End this program without another line of it being run: for a second Ctrl-C."""
    os._exit(exit_code)


def leave_signals_to_parent(worker: int = 0) -> None:
    """In a DataLoader's worker: let Ctrl-C and a hang-up be the training process's affair.

    A terminal sends both to every process; a worker that died of one would end a run that is
    about to be saved. TERM ends a worker, as its parent means it to.
    """
    for name, action in (
        ("SIGINT", signal.SIG_IGN),
        ("SIGHUP", signal.SIG_IGN),
        ("SIGTERM", signal.SIG_DFL),
    ):
        if name in signal.Signals.__members__:
            signal.signal(signal.Signals[name], action)
