"""Scales the metric of a study for a vertical axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tui_app.app.studies.pictures.trial_marks import has_value
from tui_app.drawing.plot import Ticks, span
from tui_app.drawing.ticks import log_ticks, percent_tick, tick_text, ticks
from tui_app.search.summary import StudySummary
from tui_app.text.quantities import is_share

#: The share of the trials that the axis shows at their place; the worst lie at its edge.
_SHOWN = 0.9

#: The axis of a loss is logarithmic if the worst is so many times the best.
_WIDE = 30.0


@dataclass(frozen=True)
class MetricAxis:
    """A vertical axis from `low` to `high`; these are logarithms to base 10 if `is_log`."""

    low: float
    high: float
    is_log: bool
    is_share: bool

    def place(self, value: float) -> float:
        """Return where a value lies on the axis; one outside of it lies at its edge."""
        if self.is_log:
            value = math.log10(value) if value > 0 else self.low
        return min(max(value, self.low), self.high)

    def ticks(self, rows: int) -> Ticks:
        """Return the ticks of an axis that is so many rows high."""
        count = max(2, rows // 3 + 1)
        if self.is_log:
            return [(at, tick_text(10**at)) for at in log_ticks(self.low, self.high, count)]
        text = percent_tick if self.is_share else tick_text
        return [(at, text(at)) for at in ticks(self.low, self.high, count)]


def metric_axis(study: StudySummary) -> MetricAxis:
    """Scale the axis so that the best trial and most of the others lie on it."""
    completed = [trial for trial in study.trials if trial.state == "completed"]
    shown = [trial for trial in completed or study.trials if has_value(trial)]
    values = sorted(
        (trial.metric_value for trial in shown if trial.metric_value is not None),
        reverse=study.higher_is_better,
    )
    values = values[: math.ceil(_SHOWN * (len(values) - 1)) + 1]
    share = is_share(study.metric)
    is_log = bool(values) and not share and min(values) > 0 and max(values) / min(values) > _WIDE
    low, high = span(np.log10(values) if is_log else np.array(values))
    if share:
        low, high = max(0.0, low), min(1.0, high)
    return MetricAxis(low, high, is_log, share)
