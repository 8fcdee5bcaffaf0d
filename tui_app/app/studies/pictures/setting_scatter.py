"""Draws the metric of each trial of a study over one of its settings."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.fields import setting_text
from tui_app.app.studies.pictures.metric_axis import MetricAxis
from tui_app.app.studies.pictures.trial_marks import has_value, sign_of
from tui_app.drawing.canvas import Canvas
from tui_app.drawing.plot import Plot, Ticks
from tui_app.drawing.ticks import log_ticks, tick_text, ticks
from tui_app.runs.settings.variation import Choices, Variation
from tui_app.search.summary import StudySummary, TrialSummary
from tui_app.text.cells import cut_distinct
from tui_app.text.escaping import printable

#: The part of the axis that is left free at each end.
_FREE = 0.04


@dataclass(frozen=True)
class SettingAxis:
    """A horizontal axis for the values of a setting: numbers, their logarithms to base 10, or the
    places of choices.
    """

    low: float
    high: float
    is_log: bool = False
    choices: tuple[str, ...] = ()

    def place(self, text: str) -> float | None:
        """Return where a value lies on the axis; None where it doesn't."""
        if self.choices:
            return float(self.choices.index(text)) if text in self.choices else None
        try:
            value = float(text)
        except ValueError:
            return None
        if self.is_log:
            return math.log10(value) if value > 0 else None
        return value if math.isfinite(value) else None

    def ticks(self, columns: int) -> Ticks:
        """Return the ticks of an axis that is so many columns wide."""
        if self.choices:
            room = max(1, columns // len(self.choices) - 1)
            names = cut_distinct([printable(choice) for choice in self.choices], room)
            return list(enumerate(names))
        count = max(3, columns // 8)
        if self.is_log:
            return [(at, tick_text(10**at)) for at in log_ticks(self.low, self.high, count)]
        return [(at, tick_text(at)) for at in ticks(self.low, self.high, count)]


def setting_axis(variation: Variation) -> SettingAxis:
    """Scale an axis to the values that a setting may have."""
    if isinstance(variation, Choices):
        texts = tuple(setting_text(value) for value in variation.values)
        return SettingAxis(-0.5, len(texts) - 0.5, choices=texts)
    low, high = float(variation.low), float(variation.high)
    if variation.is_log:
        low, high = math.log10(low), math.log10(high)
    free = (high - low) * _FREE or 1.0
    return SettingAxis(low - free, high + free, is_log=variation.is_log)


def draw_setting(
    canvas: Canvas,
    study: StudySummary,
    name: str,
    axis: MetricAxis,
    chosen: TrialSummary | None,
    left: int,
    top: int,
    columns: int,
    rows: int,
) -> None:
    """Draw into a rectangle of the canvas; the trial `chosen` is marked."""
    setting, pen = setting_axis(study.settings[name]), canvas.pen
    xs, ys = (setting.low, setting.high), (axis.low, axis.high)
    plot = Plot(canvas, xs, ys, left=left, top=top, columns=columns, rows=rows)
    plot.axes("", x_ticks=setting.ticks(plot.columns), y_ticks=axis.ticks(plot.rows))
    best = study.best
    last = [trial for trial in (best, chosen) if trial is not None]
    for trial in [*(trial for trial in study.trials if trial not in last), *last]:
        place = setting.place(trial.values.get(name, ""))
        if place is None or not has_value(trial) or trial.metric_value is None:
            continue
        sign, meaning = sign_of(trial, best, pen)
        style = pen.style(f"{meaning} here" if trial is chosen else meaning)
        plot.mark(place, axis.place(trial.metric_value), sign, style)
