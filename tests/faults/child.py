"""Runs in the processes that get the faults; imported once, in the server that forks them."""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import multiprocessing
import os
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import sklearn.datasets
import sklearn.model_selection  # noqa: F401
import torch

import tui_app.app.app
import tui_app.app.screens.run
import tui_app.commands.attach
import tui_app.commands.resume
import tui_app.commands.train
import tui_app.headless.run
import tui_app.terminal.driver  # noqa: F401
from tests.faults import surroundings
from tui_app.cli import run
from tui_app.terminal.streams import open_missing_streams
from tui_app.training import saver, step
from tui_app.training.state import Training

#: What lets root write where nobody may: bits 1 and 2, CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
_BEYOND_RIGHTS = 0b110


def train(argv: Sequence[str], told: Path, terminal: str | None, twist: str) -> None:
    """Run tutorch with `argv`: its words go to `terminal`, or to the file `told`.

    `twist` is what is wrong from the beginning: the `clock` is set back, root has no more `rights`
    than others, the `disk` takes one checkpoint and hangs at the next, `memory` runs out with more
    than 20 samples, or (`nan gradient 100`) something is no number any more at that step. The rest
    is in `surroundings`.
    """
    os.setsid()
    # A DataLoader's workers are this one's to fork, and not that server's.
    multiprocessing.set_start_method("fork", force=True)
    if terminal is not None:
        screen = os.open(terminal, os.O_RDWR)
        fcntl.ioctl(screen, termios.TIOCSCTTY, 0)
    else:
        screen = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for number in (0, 1, 2) if terminal is not None else (1, 2):
        os.dup2(screen, number)
    os.close(screen)
    if twist:
        surroundings.change(twist)
    _make_streams()
    torch.set_num_threads(1)
    if twist == "clock":
        _set_clock_back()
    if twist == "rights":
        _drop_rights()
    if twist == "disk":
        _hang_disk()
    if twist.startswith(("nan", "inf")):
        value, what, at = twist.split()
        _poison(float(value), what, int(at))
    with limited_memory() if twist == "memory" else nullcontext():
        os._exit(run(list(argv)))


def _make_streams() -> None:
    """Make Python's streams anew, as it does when it begins: those that were inherited think that
    they are no terminal.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = None
        with suppress(OSError):  # it is closed
            os.fstat(number)
            mode = "w" if number else "r"
            stream = os.fdopen(number, mode, encoding="utf-8", closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    open_missing_streams()


def _set_clock_back() -> None:
    """An hour, half a second from now, as far as this program can tell."""
    read, begun = time.time, time.monotonic()
    time.time = lambda: read() - (3600 if time.monotonic() - begun > 0.5 else 0)


def _drop_rights() -> None:
    """Let root heed what a file's mode forbids, as everyone else does (capset(2), version 3)."""
    system = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    system.capget(header, sets)
    for index in (0, 1, 2):  # effective, permitted, inheritable, of the lower 32
        sets[index] &= ~_BEYOND_RIGHTS
    if system.capset(header, sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _hang_disk() -> None:
    """Let no checkpoint but the first ever be written to its end."""
    write, calls = saver.save_checkpoint, itertools.count()

    def hang(*arguments: Any, **options: Any) -> None:
        if next(calls) > 0:
            threading.Event().wait()
        write(*arguments, **options)

    saver.save_checkpoint = hang


def _poison(value: float, what: str, at: int) -> None:
    """Let the loss, a gradient or a weight be `value` at one step."""
    whole, steps = step._loss, itertools.count(1)

    def poisoned(training: Training, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if next(steps) != at:
            return whole(training, inputs, targets)
        first = next(training.model.parameters())
        if what == "weight":
            with torch.no_grad():
                first.fill_(value)
        if what == "gradient":
            hook = first.register_hook(lambda gradient: (hook.remove(), gradient * value)[1])
        loss = whole(training, inputs, targets)
        return loss * value if what == "loss" else loss

    step._loss = poisoned


@contextmanager
def limited_memory(samples: int = 20) -> Iterator[None]:
    """Let the device have no room for more than so many samples at once."""
    whole = step._loss

    def tight(training: Training, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if len(inputs) > samples:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(training, inputs, targets)

    step._loss = tight
    try:
        yield
    finally:
        step._loss = whole
