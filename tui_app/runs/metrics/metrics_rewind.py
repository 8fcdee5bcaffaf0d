"""Cuts metrics.jsonl back to a checkpoint, so that a resumed run records no step twice."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from tui_app.runs.events import (
    Advised,
    BestImproved,
    ControlApplied,
    EpochCompleted,
    StepsCompleted,
    ThreadsChanged,
    Warned,
)
from tui_app.runs.files.bounded_lines import lines_backwards
from tui_app.runs.files.run_files import is_there, open_file
from tui_app.runs.metrics.metrics_codec import Record, decode, encode
from tui_app.runs.metrics.packed_epochs import PackedEpochs
from tui_app.runs.settings.run_options import MOST_THREADS
from tui_app.text.escaping import printable


@dataclass
class CutChanges:
    """What the user or the run changed after a checkpoint, by the number of steps before it: the
    new lr, and the new number of threads with its reason.
    """

    lr: dict[int, float] = field(default_factory=dict)
    threads: dict[int, tuple[int, str]] = field(default_factory=dict)

    def add(self, record: Record | None) -> None:
        """Add the record if it is a change. Of several at one step the first that is added counts:
        the file is read backwards.
        """
        match record:
            case ControlApplied() if 0 < record.lr < math.inf:
                self.lr.setdefault(record.first_step - 1, record.lr)
            case ThreadsChanged() if 0 < record.threads <= MOST_THREADS:
                change = record.threads, printable(record.reason)
                self.threads.setdefault(record.first_step - 1, change)


def rewind_metrics(
    path: Path, epoch: int, step: int, stopped: Callable[[], bool] = bool
) -> CutChanges:
    """Cut off what was recorded after `epoch` epochs and `step` steps, so that a resumed run
    records nothing twice. Returns the changes that were cut off.

    Reads from the end, so that it costs what it cuts and not what it keeps. Raises LoadingStopped
    once `stopped`, with the file as it was.
    """
    changes = CutChanges()
    if not is_there(path):
        return changes
    with open_file(path, "r+b") as file:
        keep = end = file.seek(0, os.SEEK_END)
        kept = b""
        for line, start in lines_backwards(file, end, stopped):
            record = decode(line)
            if record is not None and _belongs(record, epoch, step):
                if not line.endswith(b"\n"):  # the file was cut off right behind it
                    keep, kept = start, line + b"\n"
                break
            keep = start
            changes.add(record)
            kept = _kept_part(record, epoch, step)
            if kept:
                break
        file.truncate(keep)
        file.seek(keep)
        file.write(kept)
    return changes


def _kept_part(record: Record | None, epoch: int, step: int) -> bytes:
    """The lines of those packed epochs that belong to the run's first ones."""
    if not isinstance(record, PackedEpochs):
        return b""
    kept = takewhile(lambda event: _belongs(event, epoch, step), record.events())
    return b"".join(encode(event).encode() + b"\n" for event in kept)


def _belongs(record: Record, epoch: int, step: int) -> bool:
    """Whether a record is of the run's first `epoch` epochs and `step` steps."""
    match record:
        case PackedEpochs():
            return record.last_epoch <= epoch and record.last_step <= step
        case StepsCompleted():
            return record.first_step + len(record.losses) - 1 <= step
        case EpochCompleted() | BestImproved():
            return record.epoch <= epoch
        case ControlApplied() | ThreadsChanged():
            return record.first_step <= step
        case Warned() | Advised():
            return record.step <= step
        case _:
            return False
