"""Cuts metrics.jsonl back to a checkpoint, so that a resumed run records no step twice."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui_app.runs.bounded_lines import lines_backwards
from tui_app.runs.metrics_file import expanded, sound_line
from tui_app.runs.run_files import is_there, open_file


def rewind_metrics(
    path: Path, epoch: int, step: int, stopped: Callable[[], bool] = bool
) -> dict[int, float]:
    """Cut off what was recorded after `epoch` epochs and `step` steps, so that nothing of a resumed
    run stands there twice; the changes of the lr by hand among it, by the steps before each.

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
            values = sound_line(line)
            if values is not None and _belongs(values, epoch, step):
                if not line.endswith(b"\n"):  # the file was cut off right behind it
                    keep, kept = start, line + b"\n"
                break
            keep = start
            changes = _lr_change(values or {}) | changes
            kept = _beginning(values or {}, epoch, step)
            if kept:
                break
        file.truncate(keep)
        file.seek(keep)
        file.write(kept)
    return changes


def _lr_change(values: dict[str, Any]) -> dict[int, float]:
    """The change of the lr that a line tells of, if it is such a line, by the steps before it."""
    if values.get("kind") != "control" or not 0 < values["lr"] < math.inf:
        return {}
    return {int(values["first_step"]) - 1: float(values["lr"])}


def _beginning(values: dict[str, Any], epoch: int, step: int) -> bytes:
    """Those epochs of a block that belong to the run's first ones, a line for each event."""
    kept = []
    if values.get("kind") == "epochs":
        for each in expanded(values):
            if not _belongs(each, epoch, step):
                break
            kept.append(json.dumps(each, ensure_ascii=False).encode() + b"\n")
    return b"".join(kept)


def _belongs(values: dict[str, Any], epoch: int, step: int) -> bool:
    """Whether a line tells of the run's first `epoch` epochs and `step` steps."""
    try:
        match values["kind"]:
            case "epochs":
                count = len(values["best"])
                last_step = values["first_step"] + values["steps"] * count - 1
                return values["epoch"] + count - 1 <= epoch and last_step <= step
            case "steps":
                return values["first_step"] + len(values["losses"]) - 1 <= step
            case "epoch" | "best":
                return values["epoch"] <= epoch
            case "control":
                return values["first_step"] <= step
            case "warning" | "advice":
                return values["step"] <= step
            case _:
                return False
    except (KeyError, TypeError):
        return False
