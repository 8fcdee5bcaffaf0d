"""Holds what run.json says of a run before its first step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tui_app.runs.run_record import RunRecord


@dataclass(frozen=True)
class RunInfo:
    """The settings and sizes of a run. `base_rates` are the scores of a baseline, by metric."""

    lecture: str
    dataset: str
    epochs: int
    steps_per_epoch: int
    metric: str = ""
    higher_is_better: bool = True
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
    def of(cls, record: RunRecord) -> RunInfo:
        """Take from run.json what the screens show."""
        return cls(
            lecture=record.lecture,
            file=record.users_file,
            dataset=record.dataset,
            epochs=record.epochs,
            steps_per_epoch=record.steps_per_epoch,
            metric=record.metric,
            higher_is_better=record.higher_is_better,
            reduction=record.reduction,
            chosen_on=record.chosen_on,
            device=record.device,
            threads=record.threads,
            parameters=record.parameters,
            train_size=record.train_size,
            lr=record.lr,
            base_rates=record.base_rates,
        )
