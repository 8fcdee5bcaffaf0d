"""The lines of a metrics.jsonl as the events, or blocks of them, that they were written from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tui_app.training.epoch_block import EpochBlock
from tui_app.training.events import (
    BestImproved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    StepsCompleted,
    Warned,
)

_KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        StepsCompleted,
        EpochCompleted,
        BestImproved,
        Warned,
        ControlApplied,
        RunCompleted,
    )
}
_FIELDS = {kind: {field.name for field in fields(cls)} for kind, cls in _KINDS.items()}


def event_of(line: Mapping[str, Any]) -> Event | EpochBlock | None:
    """The event of a line, or the epochs that share it; None for a line that is neither."""
    kind = line.get("kind")
    if kind == "epochs":
        return EpochBlock.from_line(line)
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    known = {name: value for name, value in line.items() if name in _FIELDS[kind]}
    try:
        if kind == "steps":
            known["losses"] = tuple(_number(loss) for loss in line["losses"])
        if "values" in _FIELDS[kind]:
            known["values"] = {
                name: _number(value)
                for name, value in line.items()
                if name not in _FIELDS[kind] and name != "kind"
            }
        return _KINDS[kind](**known)
    except (KeyError, TypeError, ValueError):
        return None


def _number(value: Any) -> float:
    """A number; what was not finite stands as null in the file."""
    return math.nan if value is None else float(value)
