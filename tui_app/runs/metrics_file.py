"""metrics.jsonl: every step's loss and every epoch's values, one JSON object a line.

`read_metrics` gives a line for each event; `read_lines` leaves many short epochs as the one line
that they share (kind `epochs`), which an EpochBlock understands. A damaged line is passed over.
Readers that name the `kinds` of lines they need don't pay for parsing the others.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from tui_app.runs.bounded_lines import LineSplitter, lines_backwards, lines_forwards, skipped_lines
from tui_app.runs.durable_files import AppendedFile
from tui_app.runs.events import (
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
from tui_app.runs.packed_epochs import EpochBlock, numbers
from tui_app.runs.run_files import is_there, open_file

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

#: How MetricsFile begins a line.
_KIND = re.compile(rb'\{"kind": "(\w+)"')

#: The kinds of lines that an EpochBlock stands for.
_IN_BLOCKS = frozenset(("steps", "epoch", "best"))

#: The largest number that a float can hold.
_LARGEST = sys.float_info.max


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


def _ignore(text: str) -> None:
    pass


def read_lines(
    path: Path,
    kinds: Collection[str] = (),
    *,
    stopped: Callable[[], bool] = bool,
    on_skipped: Callable[[str], object] = _ignore,
) -> Iterator[dict[str, Any]]:
    """The lines as they stand there, all or those of the named kinds.

    `on_skipped` is given a sentence about lines that were too long. Raises LoadingStopped once
    `stopped`.
    """
    if not is_there(path):
        return
    splitter = LineSplitter()
    with open_file(path) as file:
        for line in lines_forwards(file, splitter, stopped):
            values = sound_line(line) if _may_be(line, kinds) else None
            if values is not None and (not kinds or values["kind"] in kinds):
                yield values
    if splitter.skipped:
        on_skipped(skipped_lines(path, splitter.skipped))


def read_metrics(
    path: Path, kinds: Collection[str] = (), *, on_skipped: Callable[[str], object] = _ignore
) -> Iterator[dict[str, Any]]:
    """The lines of the named kinds, or all, one for each event."""
    for line in read_lines(path, _with_blocks(kinds), on_skipped=on_skipped):
        yield from (each for each in expanded(line) if not kinds or each["kind"] in kinds)


def read_backwards(path: Path, kinds: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """What `read_metrics` gives, last line first: the end costs no reading of the rest."""
    if not is_there(path):
        return
    wanted = _with_blocks(kinds)
    with open_file(path) as file:
        for line, _ in lines_backwards(file, file.seek(0, os.SEEK_END)):
            values = sound_line(line) if _may_be(line, wanted) else None
            each = [] if values is None else list(expanded(values))
            yield from (one for one in reversed(each) if not kinds or one["kind"] in kinds)


def last_line(path: Path, kind: str) -> dict[str, Any]:
    """The last line of a kind; empty when there is none."""
    return next(read_backwards(path, (kind,)), {})


def expanded(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The line, or those of the epochs in it."""
    if line["kind"] != "epochs":
        yield line
        return
    block = EpochBlock.from_line(line)
    if block is not None:
        yield from block.lines()


def sound_line(line: bytes) -> dict[str, Any] | None:
    """The values of a line; None for one that is incomplete or damaged."""
    try:
        values = json.loads(line.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) and _is_sound(values) else None


def _with_blocks(kinds: Collection[str]) -> Collection[str]:
    return (*kinds, "epochs") if _IN_BLOCKS.intersection(kinds) else kinds


def _may_be(line: bytes, kinds: Collection[str]) -> bool:
    """Whether a line may be of one of the kinds: what tutorch wrote says so at its beginning."""
    found = _KIND.match(line) if kinds else None
    return found is None or found[1].decode() in kinds


def _is_sound(values: dict[str, Any]) -> bool:
    """Whether a line's values are of the types that its kind has: a number may also be null."""
    match values.get("kind"):
        case "steps":
            required = [values.get("epoch"), values.get("first_step"), values.get("lr")]
            return all(map(_is_number, required)) and _are_losses(values.get("losses"))
        case "epoch":
            if not isinstance(values.get("epoch"), int):
                return False
            return all(_is_number(v) for name, v in values.items() if name not in ("kind", "run"))
        case "control":
            changed = [values.get("first_step"), values.get("lr")]
            return None not in changed and all(map(_is_number, changed))
        case "epochs":
            return EpochBlock.from_line(values) is not None
        case kind:
            return isinstance(kind, str)


def _is_number(value: Any) -> bool:
    """Whether it is null, or a number that a float can hold."""
    if value is None:
        return True
    return isinstance(value, int | float) and -_LARGEST <= value <= _LARGEST


def _are_losses(values: Any) -> bool:
    """Whether it is a list of numbers and nulls, looked at as quickly as it can be."""
    try:
        return isinstance(values, list) and numbers(values) is not None
    except (TypeError, OverflowError):
        return False
