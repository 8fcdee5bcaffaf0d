"""Reads and writes metrics.jsonl: every step's loss and every epoch's metrics, one event a line.

`MetricsFile` writes it. `read_events` gives every event; `read_records` leaves short epochs packed.
A damaged line is skipped. Readers that name the types of records they need don't pay for parsing
the others.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from tui_app.runs.events import (
    BestImproved,
    CheckpointDue,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    StepsCompleted,
    ThreadsChanged,
)
from tui_app.runs.files.bounded_lines import (
    LineSplitter,
    lines_backwards,
    lines_forwards,
    skipped_lines,
)
from tui_app.runs.files.durable_files import AppendedFile
from tui_app.runs.files.run_files import is_there, open_file
from tui_app.runs.metrics.metrics_codec import RECORDED, Record, decode, encode, kind_of, unpack
from tui_app.runs.metrics.packed_epochs import PackedEpochs

_WRITTEN_AT_ONCE = (StepsCompleted, ControlApplied, ThreadsChanged, RunCompleted, CheckpointDue)

#: Seconds of short epochs that go into one line, and how short each of them has to be.
_PACKED_SECONDS = 0.1
_SHORT_SECONDS = 0.05

#: The events that short epochs are packed from.
_PACKED = (StepsCompleted, EpochCompleted, BestImproved)

_Read = TypeVar("_Read", bound=Record)
_ReadEvent = TypeVar("_ReadEvent", bound=Event)


class MetricsFile:
    """Appends the events of a run to its metrics.jsonl; a listener that takes packed epochs whole.

    Epochs that take less than 50 ms are packed into one line. `clock` gives seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = AppendedFile(path)
        self._clock = clock
        self._packed: PackedEpochs | None = None
        self._packed_since = 0.0
        self._steps: StepsCompleted | None = None  # of an epoch that may be packed
        self._epoch_ended = clock()
        self._is_quick = False

    def __call__(self, event: Record) -> None:
        """Record the event. Raises OSError; the next event writes what is missing."""
        match event:
            case PackedEpochs():
                has_lines = self._add_packed(event)
            case StepsCompleted() if self._is_quick and self._steps is None:
                is_over = self._clock() - self._packed_since >= _PACKED_SECONDS
                has_lines = is_over and self._write_held()
                self._steps = event
            case EpochCompleted():
                has_lines = self._add_epoch(event)
            case BestImproved() if self._packed and self._packed.mark_best(event):
                has_lines = False
            case _:
                has_lines = self._write_held()
                if isinstance(event, RECORDED):
                    self._file.add(encode(event))
                has_lines |= isinstance(event, _WRITTEN_AT_ONCE)
        # Writing the checkpoint syncs them to the disk first: training waits for no disk.
        if has_lines:
            self._file.write_out()

    def _add_epoch(self, epoch: EpochCompleted) -> bool:
        """Pack the epoch with those before, or begin anew with it: whether lines were added."""
        now = self._clock()
        self._is_quick = now - self._epoch_ended < _SHORT_SECONDS
        self._epoch_ended = now
        steps, self._steps = self._steps, None
        if steps is not None and self._packed is not None and self._packed.can_add(steps, epoch):
            self._packed.add(steps, epoch)
            return False
        has_lines = self._write_held()
        if steps is not None:
            self._packed, self._packed_since = PackedEpochs.of(steps, epoch), now
        else:
            self._file.add(encode(epoch))
        return has_lines

    def _add_packed(self, epochs: PackedEpochs) -> bool:
        """Add the line of epochs that were packed already, with those held back before them."""
        if self._packed is not None and self._steps is None and self._packed.can_extend(epochs):
            self._packed.extend(epochs)
            self._write_held()
        else:
            self._write_held()
            self._file.add(encode(epochs))
        self._epoch_ended, self._is_quick = self._clock(), True
        return True

    def _write_held(self) -> bool:
        """Add the lines of what was held back to be packed: whether there was anything."""
        held = [encode(each) for each in (self._packed, self._steps) if each is not None]
        self._packed = self._steps = None
        for line in held:
            self._file.add(line)
        return bool(held)

    def close(self) -> None:
        """Write no more."""
        self._write_held()
        self._file.close()


def _ignore(text: str) -> None:
    pass


def read_records(
    path: Path,
    *types: type[_Read],
    stopped: Callable[[], bool] = bool,
    on_skipped: Callable[[str], object] = _ignore,
) -> Iterator[_Read]:
    """The records of the given types, in the file's order: `Event, PackedEpochs` are all.

    `on_skipped` is given a sentence about lines that were too long. Raises LoadingStopped once
    `stopped`.
    """
    if not is_there(path):
        return
    splitter = LineSplitter()
    with open_file(path) as file:
        for line in lines_forwards(file, splitter, stopped):
            record = _decoded(line, types)
            if isinstance(record, types):
                yield record
    if splitter.skipped:
        on_skipped(skipped_lines(path, splitter.skipped))


def read_events(
    path: Path, *types: type[_ReadEvent], on_skipped: Callable[[str], object] = _ignore
) -> Iterator[_ReadEvent]:
    """The events of the given types (`Event`: all), those of packed epochs too."""
    for record in read_records(path, *_with_packed(types), on_skipped=on_skipped):
        yield from (event for event in unpack(record) if isinstance(event, types))


def read_events_backwards(path: Path, *types: type[_ReadEvent]) -> Iterator[_ReadEvent]:
    """What `read_events` gives, last event first: the end costs no reading of the rest."""
    if not is_there(path):
        return
    with open_file(path) as file:
        for line, _ in lines_backwards(file, file.seek(0, os.SEEK_END)):
            record = _decoded(line, _with_packed(types))
            events = [] if record is None else list(unpack(record))
            yield from (event for event in reversed(events) if isinstance(event, types))


def last_event(path: Path, event: type[_ReadEvent]) -> _ReadEvent | None:
    """The last event of a type; None when there is none."""
    return next(read_events_backwards(path, event), None)


def _with_packed(types: tuple[type[Record], ...]) -> tuple[type[Record], ...]:
    return (*types, PackedEpochs) if any(issubclass(each, types) for each in _PACKED) else types


def _decoded(line: bytes, types: tuple[type[Record], ...]) -> Record | None:
    """The line's record. A line that begins as one of another type isn't parsed."""
    kind = kind_of(line)
    if kind is not None and not any(kind in _kinds(each) for each in types):
        return None
    return decode(line)


def _kinds(record: type[Record]) -> tuple[str, ...]:
    """The kinds of lines that a type stands for: Event for all events."""
    return tuple(e.kind for e in RECORDED) if record is Event else (record.kind,)
