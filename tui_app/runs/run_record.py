"""Reads run.json into typed fields: what a run trains, with what settings, on what device.

A field that is missing, as in runs of earlier versions, has its default. A field of another type
makes the whole record damaged.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

from models import lecture_names
from models.lecture import HIGHER_IS_BETTER
from tui_app.runs.files.run_files import is_there

_T = TypeVar("_T")

#: A count that is larger can't be one.
_LARGEST_COUNT = 2**53

_TYPE_NAMES = {str: "a text", int: "a whole number", dict: "an object"}


@dataclass(frozen=True, kw_only=True)
class SourceRecord:
    """The source of a run's lecture. `path` is the user's file that was copied into the run folder;
    None for a lecture of the course, which isn't copied. `files` are the copies' SHA-256 by name.
    """

    main: str
    path: str | None
    sha256: str
    files: Mapping[str, str]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> SourceRecord:
        """Read what run.json has under `source`. Raises ValueError."""
        path = _typed(values, "path", str, "") if values.get("path") is not None else None
        files = _typed(values, "files", dict, {})
        if not all(isinstance(sha256, str) for sha256 in files.values()):
            raise ValueError("`files` of its source aren't SHA-256 by name")
        main, sha256 = (_typed(values, name, str, "") for name in ("main", "sha256"))
        return cls(main=main, path=path, sha256=sha256, files=files)


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What run.json says of a run.

    `values` is all of it as JSON has it, with what has no field here. `hyperparameters` and
    `options` aren't checked against the lecture. `metric` is the value that the best model is
    chosen by, on the split `chosen_on`, and `higher_is_better` its direction. `base_rates` are the
    scores of a baseline, by metric. `created` is 0 where it is unknown.
    """

    values: Mapping[str, Any] = field(repr=False)
    lecture: str
    lecture_file: str
    source: SourceRecord | None
    dataset: str
    hyperparameters: Mapping[str, Any]
    options: Mapping[str, Any]
    epochs: int
    steps_per_epoch: int
    parameters: int
    train_size: int
    device: str
    threads: int
    threads_reason: str
    data_fingerprint: str
    metric: str
    higher_is_better: bool
    chosen_on: str
    reduction: str
    base_rates: Mapping[str, float]
    created: float
    host: str

    @property
    def study(self) -> str:
        """The name of the study that the run is a trial of, or an empty text."""
        study = self.values.get("study")
        name = study.get("name") if isinstance(study, dict) else None
        return name if isinstance(name, str) else ""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> RunRecord:
        """Read the content of run.json. Raises ValueError with what is wrong in it."""
        for name in ("lecture", "dataset", "hyperparameters"):
            if values.get(name) is None:
                raise ValueError(f"it has no `{name}`")
        hyperparameters = _typed(values, "hyperparameters", dict, {})
        if "epochs" not in hyperparameters:
            raise ValueError("it has no number of epochs")
        source, metric = _typed(values, "source", dict, {}), _typed(values, "metric", str, "")
        return cls(
            values=values,
            lecture=_typed(values, "lecture", str, ""),
            lecture_file=_typed(values, "lecture_file", str, ""),
            source=SourceRecord.of(source) if source else None,
            dataset=_typed(values, "dataset", str, ""),
            hyperparameters=hyperparameters,
            options=_typed(values, "options", dict, {}),
            epochs=_typed(hyperparameters, "epochs", int, 0),
            steps_per_epoch=max(1, _typed(values, "steps_per_epoch", int, 1)),
            parameters=_typed(values, "parameters", int, 0),
            train_size=_typed(values, "train_size", int, 0),
            device=_typed(values, "device", str, ""),
            threads=_typed(values, "threads", int, 0),
            threads_reason=_typed(values, "threads_reason", str, ""),
            data_fingerprint=_typed(values, "data_fingerprint", str, ""),
            metric=metric,
            higher_is_better=_direction(values, metric),
            chosen_on=_typed(values, "chosen_on", str, ""),
            reduction=_typed(values, "reduction", str, ""),
            base_rates=_base_rates(values),
            created=_created(values),
            host=_typed(values, "host", str, ""),
        )

    @property
    def lr(self) -> float:
        """The learning rate that the run starts with; 0 for a lecture that has none."""
        lr = self.hyperparameters.get("lr")
        return float(lr) if _is_number(lr) else 0.0

    @property
    def devices(self) -> int:
        """How many devices the run trains on; 1 for one of an earlier version."""
        devices = self.options.get("devices", 1)
        return devices if type(devices) is int and devices > 0 else 1

    @property
    def devices_text(self) -> str:
        """The device, or how many of which kind: `2 devices (cuda)`."""
        if self.devices == 1:
            return self.device
        return f"{self.devices} devices ({self.device.partition(':')[0]})"

    @property
    def users_file(self) -> str:
        """The user's file that the run was trained from; empty for a lecture of the course."""
        if self.source is not None:
            return self.source.path or ""
        # Earlier versions recorded only the path, for a lecture of the course too. The path may be
        # one on another machine. A file here, in a folder of the user's called models, is theirs.
        file = Path(self.lecture_file)
        is_course = self.lecture in lecture_names() and file.parent.name == "models"
        beside = file.with_name("user_source.py") if is_course else file
        if is_course and (not is_there(file) or is_there(beside)):
            return ""
        return str(file)

    @property
    def source_changes(self) -> list[Mapping[str, Any]]:
        """The changes of the user's file during the run: `step`, and the earlier `sha256`."""
        changes = self.values.get("source_changes")
        return [*changes] if isinstance(changes, list) else []


def _direction(values: Mapping[str, Any], metric: str) -> bool:
    """Whether a higher value of the metric is better."""
    recorded = values.get("higher_is_better")
    if isinstance(recorded, bool):
        return recorded
    # Earlier versions recorded the metric alone: a split's name before one of the declared metrics.
    return HIGHER_IS_BETTER.get(metric.rpartition("_")[2], False)


def _base_rates(values: Mapping[str, Any]) -> dict[str, float]:
    rates = _typed(values, "base_rates", dict, {})
    if not all(_is_number(rate) for rate in rates.values()):
        raise ValueError("its `base_rates` aren't numbers")
    return {name: float(rate) for name, rate in rates.items()}


def _created(values: Mapping[str, Any]) -> float:
    created = values.get("created") or 0.0
    if not _is_number(created):
        raise ValueError("`created` isn't a time")
    try:
        time.localtime(created)
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError("`created` isn't a time") from error
    return float(created)


def _is_number(value: Any) -> TypeGuard[float]:
    """Whether it is a number that a float can hold, and finite."""
    try:
        return isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _typed(values: Mapping[str, Any], name: str, kind: type[_T], default: _T) -> _T:
    """The value of that name; the default where there is none. Raises ValueError."""
    value = values.get(name)
    if value is None:
        return default
    if not isinstance(value, kind) or (isinstance(value, int) and abs(value) > _LARGEST_COUNT):
        raise ValueError(f"`{name}` is {repr(value)[:40]}, not {_TYPE_NAMES[kind]}")
    return value
