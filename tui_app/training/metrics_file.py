"""metrics.jsonl: every step's loss and every epoch's values, one JSON object a line."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_app.training.events import (
    BestImproved,
    CheckpointDue,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    StepsCompleted,
    Warned,
)
from tui_app.training.files import AppendedFile

_RECORDED = (StepsCompleted, EpochCompleted, BestImproved, Warned, ControlApplied, RunCompleted)


class MetricsFile:
    """Appends the events of a run to its metrics.jsonl; a listener."""

    def __init__(self, path: Path) -> None:
        self._file = AppendedFile(path)

    def __call__(self, event: Event) -> None:
        """Record the event. Raises OSError, and makes up for it with a later event."""
        if isinstance(event, _RECORDED):
            self._file.add(event.as_json())
        # Whoever writes the checkpoint brings them to the disk first: training waits for no disk.
        if isinstance(event, StepsCompleted | ControlApplied | RunCompleted | CheckpointDue):
            self._file.write_out()

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a metrics.jsonl as dicts; an incomplete or damaged line is passed over."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                values = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(values, dict) and _is_sound(values):
                yield values


def _is_sound(values: dict[str, Any]) -> bool:
    """Whether a line's values are of the types that its kind has: a number may also be null."""
    match values.get("kind"):
        case "steps":
            losses = values.get("losses")
            if not isinstance(losses, list):
                return False
            numbers = [values.get("epoch"), values.get("first_step"), values.get("lr"), *losses]
        case "epoch":
            if not isinstance(values.get("epoch"), int):
                return False
            numbers = [value for name, value in values.items() if name not in ("kind", "run")]
        case kind:
            return isinstance(kind, str)
    return all(isinstance(number, int | float | None) for number in numbers)


def rewind_metrics(path: Path, epoch: int, step: int) -> dict[int, float]:
    """Cut off what was recorded after `epoch` epochs and `step` steps, so that nothing of a resumed
    run stands there twice; the changes of the lr by hand among it, by the steps before each.

    Reads from the end, so that it costs what it cuts and not what it keeps.
    """
    changes: dict[int, float] = {}
    if not path.is_file():
        return changes
    with path.open("r+b") as file:
        keep = end = file.seek(0, os.SEEK_END)
        for line, start in _lines_backwards(file, end):
            if _belongs(line, epoch, step):
                break
            keep = start
            changes = _lr_change(line) | changes
        file.truncate(keep)
    return changes


def _lr_change(line: bytes) -> dict[int, float]:
    """The change of the lr that a line tells of, if it is such a line, by the steps before it."""
    try:
        values = json.loads(line)
        if values["kind"] != "control" or not 0 < values["lr"] < math.inf:
            return {}
        return {int(values["first_step"]) - 1: float(values["lr"])}
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return {}


def _belongs(line: bytes, epoch: int, step: int) -> bool:
    """Whether a line is complete and tells of the run's first `epoch` epochs and `step` steps."""
    try:
        values = json.loads(line)
        match values["kind"]:
            case "steps":
                belongs = values["first_step"] + len(values["losses"]) - 1 <= step
            case "epoch" | "best":
                belongs = values["epoch"] <= epoch
            case "control":
                belongs = values["first_step"] <= step
            case "warning":
                belongs = values["step"] <= step
            case _:
                belongs = False
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return line.endswith(b"\n") and belongs


def _lines_backwards(file: Any, end: int, size: int = 1 << 16) -> Iterator[tuple[bytes, int]]:
    """The lines before `end`, last first, each with the offset of its first byte."""
    tail = b""
    while end > 0:
        start = max(0, end - size)
        file.seek(start)
        block = file.read(end - start) + tail
        lines = block.splitlines(keepends=True)
        offset = start + len(block)
        # The first piece may be the rest of a line that begins before this block.
        for line in reversed(lines[1:] if start else lines):
            offset -= len(line)
            yield line, offset
        tail = lines[0] if start else b""
        end = start
