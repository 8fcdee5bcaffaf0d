"""Prepares a process that torchrun started to be a rank, before torch is imported."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, MutableMapping

from datasets.reading.cell_numbers import whole_number
from models.fields import InvalidValue
from tui_app.terminal.signals import save_signals, stop_signals, suspend_signals
from tui_app.terminal.streams import HeldOutput, discard_output
from tui_app.training.devices.machine_load import usable_cores
from tui_app.training.ranks.launch import Launch
from tui_app.training.ranks.launch_folder import LaunchFolder

#: Seconds that a follower that failed waits for rank 0 to end.
_PATIENCE = 30.0

#: The stderr of a follower until it has joined the others: what all ranks say, rank 0 prints.
_held: list[HeldOutput] = []


def this_launch(environment: Mapping[str, str] = os.environ) -> Launch | None:
    """How torchrun started this process; None for a process of its own.

    Raises InvalidValue for variables that name no rank, as other launchers set them.
    """
    launch = find_launch(environment)
    count = whole_number(environment.get("WORLD_SIZE", ""))
    if launch is None and count is not None and count > 1:
        raise InvalidValue(
            f"WORLD_SIZE is {count}, but RANK and LOCAL_RANK are no numbers, as torchrun sets "
            "them: start the ranks with torchrun, or with --devices on one machine"
        )
    return launch


def find_launch(environment: Mapping[str, str]) -> Launch | None:
    """How torchrun started this process; None if its variables are missing or wrong."""
    try:
        return Launch.from_environment(environment)
    except ValueError:
        return None


def begin_rank(launch: Launch) -> None:
    """Share the cores among the ranks of this machine, and let only rank 0 print.

    A follower prints on stderr if it fails alone before it has joined the others.
    """
    share_threads(launch, os.environ)
    if launch.rank:
        discard_output(sys.stdout)
        _held.append(HeldOutput(sys.stderr))
    elif folder := LaunchFolder.from_environment(os.environ):
        folder.write_pid(os.getpid())


def show_held_errors() -> None:
    """Print what a follower has written to stderr, if it hasn't joined the others yet."""
    while _held:
        _held.pop().show()


def discard_errors() -> None:
    """Discard a follower's stderr: once it has joined the others, rank 0 says why a rank failed."""
    while _held:
        _held.pop().discard()


def leave_group(environment: MutableMapping[str, str]) -> None:
    """Go on as a process of its own, and let those that it starts be such."""
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        environment.pop(name, None)


def end_rank(launch: Launch, exit_code: int) -> None:
    """Record how rank 0 ends for the program that started the ranks.

    A follower that fails waits until torchrun ends it, which it does once rank 0 has ended: were
    the follower the first, torchrun would end rank 0 before that could say anything. If rank 0 goes
    on, then the follower failed alone, and prints why.
    """
    folder = LaunchFolder.from_environment(os.environ)
    if folder is not None and launch.rank == 0:
        folder.write_exit_code(exit_code)
    agent, patience = os.getppid(), time.monotonic() + _PATIENCE
    while launch.rank and exit_code and os.getppid() == agent and time.monotonic() < patience:
        time.sleep(0.1)
    if exit_code:
        show_held_errors()


def ignore_signals() -> None:
    """Let a follower ignore what stops, saves or suspends a run: rank 0 decides, and the watch of
    the ranks ends the followers.
    """
    for number in (*stop_signals(), *save_signals(), *suspend_signals()):
        if number.name != "SIGCONT":
            signal.signal(number, signal.SIG_IGN)


def share_threads(launch: Launch, environment: MutableMapping[str, str]) -> None:
    """Let OpenMP use this rank's share of the cores, unless the user allows fewer.

    Where the user says nothing, a torchrun of the user's sets 1 for several local ranks.
    """
    share = max(1, usable_cores() // launch.local_count)
    allowed = whole_number(environment.get("OMP_NUM_THREADS", "").partition(",")[0].strip())
    is_from_torchrun = LaunchFolder.from_environment(environment) is None
    is_torchruns = allowed == 1 and launch.local_count > 1 and is_from_torchrun
    if allowed is None or is_torchruns or allowed > share:
        environment["OMP_NUM_THREADS"] = str(share)
