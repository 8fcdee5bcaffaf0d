"""What run.json says of a run, known before its first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tui_app.runs.listing import users_file


@dataclass(frozen=True)
class RunInfo:
    """The settings and sizes of a run. `base_rates` are the scores of a baseline, by metric."""

    lecture: str
    dataset: str
    epochs: int
    steps_per_epoch: int
    metric: str = ""
    highest: bool = True
    reduction: str = ""
    chosen_on: str = ""
    device: str = ""
    threads: int = 0
    parameters: int = 0
    train_size: int = 0
    lr: float = 0.0
    base_rates: Mapping[str, float] = field(default_factory=dict)
    file: str = ""
    """The user's lecture file; empty for a lecture of the course."""

    @property
    def total_steps(self) -> int:
        """The number of steps of the whole run."""
        return self.epochs * self.steps_per_epoch

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> RunInfo:
        """Read run.json's content. Raises KeyError, TypeError or ValueError."""
        hyperparameters = record["hyperparameters"]
        metric = str(record.get("metric", ""))
        return cls(
            lecture=str(record["lecture"]),
            file=users_file(record),
            dataset=str(record["dataset"]),
            epochs=int(hyperparameters["epochs"]),
            steps_per_epoch=max(1, int(record.get("steps_per_epoch", 1))),
            metric=metric,
            highest=metric.endswith("accuracy"),
            reduction=str(record.get("reduction", "")),
            chosen_on=str(record.get("chosen_on", "")),
            device=str(record.get("device", "")),
            threads=int(record.get("threads", 0)),
            parameters=int(record.get("parameters", 0)),
            train_size=int(record.get("train_size", 0)),
            lr=float(hyperparameters.get("lr", 0.0)),
            base_rates={
                str(name): float(value) for name, value in record.get("base_rates", {}).items()
            },
        )
