"""Summarises a study: its trials with live values, the best one, and which settings matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tui_app.runs.settings.variation import Variation

#: `waiting`: no program trains it, and the next worker takes it, from the start or from last.pt.
#: `stopped`: the same, and its program had saved it and left.
TrialState = Literal["running", "waiting", "completed", "pruned", "failed", "stopped"]


@dataclass(frozen=True, kw_only=True)
class TrialSummary:
    """A trial of a study; its number counts from 0.

    `values` are the settings that vary, as text; a setting that has no effect with the others is
    missing. `metric_value` is that of the trial's best model so far. `run` is its run folder, if
    that is on this machine. `reason` says why it was pruned, stopped or failed, else it is empty.
    """

    number: int
    state: TrialState
    values: Mapping[str, str] = field(default_factory=dict)
    metric_value: float | None = None
    run: Path | None = None
    epoch: int = 0
    epochs: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class StudySummary:
    """A study, as it is now.

    `metric` is what the best trial is chosen by, on the split `chosen_on` (test, validation or
    train). `storage` has no password. `settings` are those that vary, `fixed` the others that were
    given, as text. `total` is the number of trials that the study is to have. `importance` is each
    setting's share, from 0 to 1, of the differences between trials; None while too few trials are
    completed.
    """

    name: str
    lecture: str
    dataset: str
    metric: str
    higher_is_better: bool
    chosen_on: str
    storage: str
    settings: Mapping[str, Variation] = field(default_factory=dict)
    trials: tuple[TrialSummary, ...] = ()
    importance: Mapping[str, float] | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    total: int = 0
    pruner: str = "none"

    @property
    def best(self) -> TrialSummary | None:
        """The completed trial with the best value; the earlier one of two that are equal."""
        best = None
        for trial in self.trials:
            value = trial.metric_value
            if trial.state != "completed" or value is None:
                continue
            if best is None or best.metric_value is None or self._is_better(value, best):
                best = trial
        return best

    def _is_better(self, value: float, other: TrialSummary) -> bool:
        assert other.metric_value is not None
        if self.higher_is_better:
            return value > other.metric_value
        return value < other.metric_value
