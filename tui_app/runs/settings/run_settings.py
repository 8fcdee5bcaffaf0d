"""Resolves the settings of a run from what the user gave and the defaults, or from run.json."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from datasets import get_dataset
from datasets.own.names import is_own_data, short_name
from datasets.reading.paths import user_path
from models.fields import InvalidValue, fields_of, setting_text
from models.lecture import Hyperparameters, Lecture
from tui_app.runs.run_record import RunRecord
from tui_app.runs.settings.run_options import RunOptions, refuse_one_device


@dataclass(frozen=True)
class RunSettings:
    """The settings of a run: a lecture, its hyperparameters, and the options."""

    lecture: Lecture
    hyperparameters: Hyperparameters
    options: RunOptions
    note: str = field(default="", compare=False)
    """A sentence about the lecture's source that the user should read, or nothing."""
    has_default_dataset: bool = field(default=False, compare=False)
    """Whether the data set is the lecture's first because none was given."""

    @property
    def dataset(self) -> str:
        """The name of the data set."""
        return self.options.dataset


def resolve_settings(lecture: Lecture, given: Mapping[str, Any]) -> RunSettings:
    """Resolve the settings of a run of `lecture` from the options and hyperparameters that were
    `given`, by name, and from the defaults.

    Raises InvalidValue, UnknownDataset.
    """
    option_fields = fields_of(RunOptions)
    options = {
        name: option_fields[name].check(v) for name, v in given.items() if name in option_fields
    }
    is_default = "dataset" not in options
    dataset = options.setdefault("dataset", lecture.datasets[0])
    if is_own_data(dataset):
        dataset = options["dataset"] = own_data(dataset)
    elif dataset not in lecture.datasets:
        get_dataset(dataset)  # raises a better error for an unknown data set
        near = difflib.get_close_matches(dataset, lecture.datasets, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InvalidValue(
            f"{lecture.name} doesn't learn from {dataset}{hint}: "
            f"it takes {', '.join(lecture.datasets)}",
            "dataset",
        )
    hyperparameters = {name: value for name, value in given.items() if name not in option_fields}
    resolved = RunOptions(**options)
    refuse_one_device(resolved.device, resolved.devices)
    return RunSettings(
        lecture,
        lecture.resolve(dataset, hyperparameters),
        resolved,
        has_default_dataset=is_default,
    )


def own_data(dataset: str) -> str:
    """`csv:FILE` or `folder:DIR` with an absolute path, so that a resumed run finds it."""
    kind, _, place = dataset.partition(":")
    if not place:
        wanted = {"csv": "csv:FILE, the file of a table", "folder": "folder:DIR, one of images"}
        raise InvalidValue(f"dataset: {wanted[kind]}; {dataset!r} names none", "dataset")
    return f"{kind}:{user_path(place).absolute()}"


def as_record(settings: RunSettings) -> dict[str, Any]:
    """The settings as run.json records them."""
    options = asdict(settings.options)
    data_dir = options["data_dir"] and str(Path(options["data_dir"]).resolve())
    return {
        "lecture": settings.lecture.name,
        "lecture_file": str(settings.lecture.path),
        "dataset": settings.dataset,
        "seed": settings.hyperparameters.seed,
        "hyperparameters": settings.lecture.relevant_settings(settings.hyperparameters),
        "options": {**options, "data_dir": data_dir},
    }


def from_record(lecture: Lecture, record: RunRecord, runs_dir: Path) -> RunSettings:
    """The settings that `as_record` wrote. Raises InvalidValue and UnknownDataset."""
    given = {**record.hyperparameters, **record.options}
    return resolve_settings(
        lecture, {**given, "dataset": record.dataset, "runs_dir": str(runs_dir)}
    )


def differing(settings: RunSettings, others: Sequence[RunSettings]) -> str:
    """How this run differs from the others of its sweep: `lr=0.1 optimizer=adam`."""
    apart = differences(settings, others)
    return " ".join(f"{name}={text}" for name, text in apart.items())


def differences(settings: RunSettings, others: Sequence[RunSettings]) -> dict[str, str]:
    """The settings in which this run differs from the others of its sweep: `{"lr": "0.1"}`."""
    fields = settings.lecture.fields
    everyone = [vars(other.hyperparameters) | vars(other.options) for other in others]
    own = vars(settings.hyperparameters) | vars(settings.options)
    return {
        name: fields[name].format(value) if name in fields else short_name(setting_text(value))
        for name, value in own.items()
        if any(other[name] != value for other in everyone)
    }
