"""Counts how often the host waits for the GPU in one thread, such as for `loss.item()`."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

import torch

#: How torch's warning begins; it comes in the thread that waits, a backward pass's included.
_MESSAGE = "called a synchronizing"

#: How the warning begins with which torch switches this on.
_ABOUT_THE_MODE = "Synchronization debug mode is"

#: torch's debug mode and Python's hook are the whole program's.
_one_at_a_time = threading.RLock()


@dataclass
class HostWaits:
    """How often the host has waited."""

    count: int = 0


@contextmanager
def counted_host_waits() -> Iterator[HostWaits]:
    """Count the waits of this thread while the context lasts.

    torch reports the waits of all threads meanwhile: those of others are dropped, unless the
    program had asked for them. All other warnings are shown as ever.
    """
    waits, thread = HostWaits(), threading.get_ident()
    with _one_at_a_time:
        mode, shown = torch.cuda.get_sync_debug_mode(), warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            is_own = threading.get_ident() == thread
            is_wait = str(message).startswith(_MESSAGE)
            if is_own and str(message).startswith(_ABOUT_THE_MODE):
                return
            if is_own and is_wait:
                waits.count += 1
            elif mode or not is_wait:
                shown(message, category, filename, lineno, file, line)

        # Python would show only the first wait at each line. The filters stay: another thread may
        # change them meanwhile, and removing these could bring back the wrong ones.
        for begin in (_MESSAGE, _ABOUT_THE_MODE):
            warnings.filterwarnings("always", message=begin)
        warnings.showwarning = show
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield waits
        finally:
            torch.cuda.set_sync_debug_mode(mode)
            if warnings.showwarning is show:  # else another thread has set its own, which calls it
                warnings.showwarning = shown
