"""metrics.jsonl: every step's loss and every epoch's values, one JSON object a line.

`read_metrics` gives the lines as the events were told; `read_lines` leaves many short epochs as the
one line that they share (kind `epochs`), which an EpochBlock understands.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tui_app.training.epoch_block import EpochBlock
from tui_app.training.events import (
    Advised,
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

_RECORDED = (
    StepsCompleted,
    EpochCompleted,
    BestImproved,
    Warned,
    Advised,
    ControlApplied,
    RunCompleted,
)
_WRITTEN_AT_ONCE = (StepsCompleted, ControlApplied, RunCompleted, CheckpointDue)


#: Seconds of short epochs that go into one line, and how short each of them has to be.
_BLOCK_SECONDS = 0.1
_SHORT_SECONDS = 0.05


class MetricsFile:
    """Appends the events of a run to its metrics.jsonl; a listener.

    Epochs so short that several go by in a moment share a line, an EpochBlock. `clock` gives
    seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = AppendedFile(path)
        self._clock = clock
        self._block: EpochBlock | None = None
        self._block_begun = 0.0
        self._steps: StepsCompleted | None = None  # of an epoch that may go into the block
        self._epoch_ended = clock()
        self._is_quick = False

    def __call__(self, event: Event) -> None:
        """Record the event. Raises OSError, and makes up for it with a later event."""
        match event:
            case StepsCompleted() if self._is_quick and self._steps is None:
                is_over = self._clock() - self._block_begun >= _BLOCK_SECONDS
                has_ended = is_over and self._end_block()
                self._steps = event
            case EpochCompleted():
                has_ended = self._take_epoch(event)
            case BestImproved() if self._block and self._block.mark_best(event):
                has_ended = False
            case _:
                has_ended = self._end_block()
                if isinstance(event, _RECORDED):
                    self._file.add(event.as_json())
                has_ended |= isinstance(event, _WRITTEN_AT_ONCE)
        # Whoever writes the checkpoint brings them to the disk first: training waits for no disk.
        if has_ended:
            self._file.write_out()

    def _take_epoch(self, epoch: EpochCompleted) -> bool:
        """Take the epoch into the block, or begin one with it: whether one has ended for that."""
        now = self._clock()
        self._is_quick = now - self._epoch_ended < _SHORT_SECONDS
        self._epoch_ended = now
        steps, self._steps = self._steps, None
        if steps is not None and self._block is not None and self._block.takes(steps, epoch):
            self._block.add(steps, epoch)
            return False
        has_ended = self._end_block()
        if steps is not None:
            self._block, self._block_begun = EpochBlock.of(steps, epoch), now
        else:
            self._file.add(epoch.as_json())
        return has_ended

    def _end_block(self) -> bool:
        """Add the lines of what was held back: whether there was anything."""
        held = [each.as_json() for each in (self._block, self._steps) if each is not None]
        self._block = self._steps = None
        for line in held:
            self._file.add(line)
        return bool(held)

    def close(self) -> None:
        """Write no more."""
        self._end_block()
        self._file.close()


def read_metrics(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a metrics.jsonl as dicts, one for each event; damaged ones are passed over."""
    for line in read_lines(path):
        yield from expanded(line)


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines as they stand there; an incomplete or damaged one is passed over."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            values = sound_line(line)
            if values is not None:
                yield values


def read_backwards(path: Path) -> Iterator[dict[str, Any]]:
    """What `read_metrics` gives, last line first: the end costs no reading of the rest."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line, _ in lines_backwards(file, file.seek(0, os.SEEK_END)):
            values = sound_line(line.decode("utf-8", errors="replace"))
            if values is not None:
                yield from reversed(list(expanded(values)))


def last_line(path: Path, kind: str) -> dict[str, Any]:
    """The last line of a kind; empty when there is none."""
    return next((line for line in read_backwards(path) if line["kind"] == kind), {})


def expanded(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The line, or those of the epochs in it."""
    if line["kind"] != "epochs":
        yield line
        return
    block = EpochBlock.from_line(line)
    if block is not None:
        yield from block.lines()


def sound_line(line: str) -> dict[str, Any] | None:
    """The values of a line; None for one that is incomplete or damaged."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) and _is_sound(values) else None


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
        case "control":
            numbers = [values.get("first_step"), values.get("lr")]
            if None in numbers:
                return False
        case "epochs":
            return EpochBlock.from_line(values) is not None
        case kind:
            return isinstance(kind, str)
    return all(isinstance(number, int | float | None) for number in numbers)


def lines_backwards(file: Any, end: int, size: int = 1 << 16) -> Iterator[tuple[bytes, int]]:
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
