"""Says how many CPU threads a run trains with, and sets their number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from tui_app.runs.settings.run_options import RunOptions

#: The reason for a number of threads that the user gave; an earlier version wrote the other.
AS_REQUESTED, _AS_ASKED = "as requested", "as asked"


@dataclass(frozen=True)
class ThreadChoice:
    """How many threads a run starts with, and why.

    A number that `is_fixed` never changes. Else `most` is how many the run trains with whenever the
    machine is quiet, and `seconds` are those of a step by the number of threads, as measured then.
    """

    count: int
    reason: str
    is_fixed: bool = False
    most: int = 1
    seconds: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ThreadChange:
    """The number of threads from the next step on, and why."""

    count: int
    reason: str


def threads_to_prepare(options: RunOptions, first: tuple[int, str] | None = None) -> int:
    """How many threads compute before the number is chosen: the first weights don't depend on the
    choice. `first` are those that a resumed run began with, and why; `options` may be others.
    """
    if first is not None and first[1]:
        return first[0] if first[1] in (AS_REQUESTED, _AS_ASKED) else 1
    return 1 if options.threads == "auto" else options.threads


def use_threads(count: int) -> None:
    """Let torch's operators use `count` threads when this thread calls them."""
    torch.set_num_threads(count)


@contextmanager
def threads_kept() -> Iterator[None]:
    """Restore the number of threads in the end."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        use_threads(before)
