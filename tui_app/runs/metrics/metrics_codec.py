"""Encodes an event as a line of JSON, and decodes it: for metrics.jsonl and for `--json`.

A line has its `kind` first, then the event's fields. Metrics (`values` of an event) stand beside
the other fields. A number that isn't finite is null.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from tui_app.runs.events import (
    Advised,
    BestImproved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    StepsCompleted,
    ThreadsChanged,
    Warned,
    finite,
)
from tui_app.runs.metrics.packed_epochs import MOST_VALUES, PackedEpochs, numbers

#: What a line holds: an event, or several short epochs.
Record = Event | PackedEpochs

#: The events that metrics.jsonl has, by their kinds.
_EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        StepsCompleted,
        EpochCompleted,
        BestImproved,
        Warned,
        Advised,
        ControlApplied,
        ThreadsChanged,
        RunCompleted,
    )
}
RECORDED = tuple(_EVENTS.values())

_FIELDS = {
    kind: {field.name: field.type for field in fields(event)} for kind, event in _EVENTS.items()
}

#: How `encode` begins a line.
_KIND = re.compile(rb'\{"kind": "(\w+)"')

#: A larger count can't be one: no array of a run's values is as long.
_LARGEST_COUNT = 2**53

#: The largest number that a float can hold.
_LARGEST = sys.float_info.max


def encode(record: Record) -> str:
    """The line of an event or of packed epochs, without its newline."""
    return json.dumps(to_plain(record), ensure_ascii=False, allow_nan=False)


def to_plain(record: Record) -> dict[str, Any]:
    """The values of the line of an event or of packed epochs, as JSON can hold them."""
    if isinstance(record, PackedEpochs):
        return {"kind": record.kind, **record.to_fields()}
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {"kind": record.kind, **finite(values | values.pop("values", {}))}


def decode(line: bytes) -> Record | None:
    """The record of a line; None for one that is damaged, cut off, or of no known kind."""
    try:
        values = json.loads(line.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    kind = values.get("kind")
    try:
        if kind == PackedEpochs.kind:
            return PackedEpochs.from_fields(values)
        return _event(kind, values) if isinstance(kind, str) and kind in _EVENTS else None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def kind_of(line: bytes) -> str | None:
    """The kind of a line as its beginning says, without parsing it; None where it doesn't say."""
    found = _KIND.match(line)
    return None if found is None else found[1].decode()


def unpack(record: Record) -> Iterator[Event]:
    """The event, or the events that packed epochs stand for."""
    if isinstance(record, PackedEpochs):
        yield from record.events()
    else:
        yield record


def _event(kind: str, values: Mapping[str, Any]) -> Event:
    """The event of these values. Raises KeyError, TypeError, ValueError, OverflowError."""
    types = _FIELDS[kind]
    plain = values.keys() & types.keys() - {"losses", "values"}
    arguments = {name: _checked(types[name], values[name]) for name in plain}
    if "losses" in types:
        arguments["losses"] = tuple(numbers(values["losses"]))
    if "values" in types:
        others = [name for name in values if name not in types and name != "kind"]
        arguments["values"] = {name: _number(values[name]) for name in others[:MOST_VALUES]}
    return _EVENTS[kind](**arguments)


def _checked(annotation: Any, value: Any) -> Any:
    """The value of a field, if it is of the type that the field is annotated with.

    Raises TypeError, ValueError, OverflowError.
    """
    if annotation in ("float", "float | None"):
        return None if value is None and annotation != "float" else _number(value)
    if annotation == "Mapping[str, Any]":
        return _settings(value)
    if value is None and annotation == "int | None":
        return None
    kind = str if annotation in ("str", "State") else int
    if not isinstance(value, kind) or (isinstance(value, int) and abs(value) >= _LARGEST_COUNT):
        raise TypeError
    return value


def _settings(value: Any) -> dict[str, Any]:
    """Settings by name, each a plain value or a list of plain values. Raises TypeError.

    The form shows them, so their texts may hold no control codes.
    """
    if not isinstance(value, dict):
        raise TypeError
    settings = {name: tuple(v) if isinstance(v, list) else v for name, v in value.items()}
    for setting in settings.values():
        each = setting if isinstance(setting, tuple) else (setting,)
        if not all(isinstance(part, str | int | float) for part in each):
            raise TypeError
        if not all(part.isprintable() for part in each if isinstance(part, str)):
            raise TypeError
    return settings


def _number(value: Any) -> float:
    """A number of the file. Raises TypeError, and ValueError for one that no float can hold."""
    if value is None:
        return math.nan
    if not isinstance(value, int | float):
        raise TypeError
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError
    return float(value)
