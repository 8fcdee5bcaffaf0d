"""The lines of a metrics.jsonl as the events, or blocks of them, that they were written from."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    Warned,
)
from tui_app.runs.packed_epochs import MOST_VALUES, EpochBlock, numbers

_KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        StepsCompleted,
        EpochCompleted,
        BestImproved,
        Warned,
        Advised,
        ControlApplied,
        RunCompleted,
    )
}
_FIELDS = {kind: {field.name: field.type for field in fields(cls)} for kind, cls in _KINDS.items()}

#: A count that is larger is none: it fits into no array of the history.
_LARGEST = 2**53


def event_of(line: Mapping[str, Any]) -> Event | EpochBlock | None:
    """The event of a line, or the epochs that share it; None for a line that is neither."""
    kind = line.get("kind")
    if kind == "epochs":
        return EpochBlock.from_line(line)
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    types = _FIELDS[kind]
    try:
        plain = line.keys() & types.keys() - {"losses", "values"}
        known = {name: _as(types[name], line[name]) for name in plain}
        if kind == "steps":
            known["losses"] = tuple(numbers(line["losses"]))
        if "values" in types:
            others = [name for name in line if name not in types and name != "kind"]
            known["values"] = {name: _number(line[name]) for name in others[:MOST_VALUES]}
        return _KINDS[kind](**known)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _as(wanted: Any, value: Any) -> Any:
    """The value of a field, if it is of the type that the field is said to have.

    Raises TypeError, ValueError, OverflowError.
    """
    if wanted in ("float", "float | None"):
        return value if value is None and wanted != "float" else _number(value)
    if wanted == "Mapping[str, Any]":
        return _settings(value)
    kind = str if wanted in ("str", "State") else int
    if value is None and wanted == "int | None":
        return value
    if not isinstance(value, kind) or (isinstance(value, int) and abs(value) >= _LARGEST):
        raise TypeError
    return value


def _settings(value: Any) -> dict[str, Any]:
    """Settings by name, each a plain value or a list of plain values. Raises TypeError.

    The form shows them, so no text of theirs may hold control codes.
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
    """A number; what was not finite stands as null in the file."""
    return math.nan if value is None else float(value)
