"""Cuts metrics.jsonl back to a checkpoint, so that a resumed run records no step twice."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

from tui_app.runs.events import (
    Advised,
    BestImproved,
    ControlApplied,
    EpochCompleted,
    StepsCompleted,
    Warned,
)
from tui_app.runs.files.bounded_lines import lines_backwards
from tui_app.runs.files.run_files import is_there, open_file
from tui_app.runs.metrics.metrics_codec import Record, decode, encode
from tui_app.runs.metrics.packed_epochs import PackedEpochs


def rewind_metrics(
    path: Path, epoch: int, step: int, stopped: Callable[[], bool] = bool
) -> dict[int, float]:
    """Cut off what was recorded after `epoch` epochs and `step` steps, so that a resumed run
    records nothing twice. Returns the lr changes that were cut off: the new lr by the steps before.

    Reads from the end, so that it costs what it cuts and not what it keeps. Raises LoadingStopped
    once `stopped`, with the file as it was.
    """
    changes: dict[int, float] = {}
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
            if isinstance(record, ControlApplied) and 0 < record.lr < math.inf:
                changes = {record.first_step - 1: record.lr} | changes
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
        case ControlApplied():
            return record.first_step <= step
        case Warned() | Advised():
            return record.step <= step
        case _:
            return False
