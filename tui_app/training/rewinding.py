"""Cutting metrics.jsonl back to a checkpoint, so that a resumed run records no step twice."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

from tui_app.training.metrics_file import expanded, lines_backwards, sound_line


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
        kept = b""
        for line, start in lines_backwards(file, end):
            if _belongs(line, epoch, step):
                break
            keep = start
            changes = _lr_change(line) | changes
            kept = _beginning(line, epoch, step)
            if kept:
                break
        file.truncate(keep)
        file.seek(keep)
        file.write(kept)
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


def _beginning(line: bytes, epoch: int, step: int) -> bytes:
    """Those epochs of a block that belong to the run's first ones, a line for each event."""
    values = sound_line(line.decode("utf-8", errors="replace"))
    if values is None or values["kind"] != "epochs":
        return b""
    kept = b""
    for each in expanded(values):
        own_line = json.dumps(each, ensure_ascii=False).encode() + b"\n"
        if not _belongs(own_line, epoch, step):
            break
        kept += own_line
    return kept


def _belongs(line: bytes, epoch: int, step: int) -> bool:
    """Whether a line is complete and tells of the run's first `epoch` epochs and `step` steps."""
    try:
        values = json.loads(line)
        match values["kind"]:
            case "epochs":
                count = len(values["best"])
                last_step = values["first_step"] + values["steps"] * count - 1
                belongs = values["epoch"] + count - 1 <= epoch and last_step <= step
            case "steps":
                belongs = values["first_step"] + len(values["losses"]) - 1 <= step
            case "epoch" | "best":
                belongs = values["epoch"] <= epoch
            case "control":
                belongs = values["first_step"] <= step
            case "warning" | "advice":
                belongs = values["step"] <= step
            case _:
                belongs = False
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return line.endswith(b"\n") and belongs
