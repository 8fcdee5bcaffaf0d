"""Draws several runs in one chart, each in its own colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tui_app.monitoring.curves.bucketing import bucketed
from tui_app.monitoring.curves.picture import ChartView, Curve, Picture
from tui_app.monitoring.curves.run_curves import RunCurves
from tui_app.monitoring.history import History
from tui_app.text.quantities import is_share

#: How many runs have different colours.
COLOURS = 8


@dataclass(frozen=True)
class Overlaid:
    """A run in a comparison: a label with the settings that differ, and its curves."""

    label: str
    curves: RunCurves

    @property
    def history(self) -> History:
        """The history of the run."""
        return self.curves.history


def colour_of(place: int) -> str:
    """The theme variable with the colour of the run at this place."""
    return f"series-{place % COLOURS + 1}"


def overlay(
    runs: Sequence[Overlaid],
    view: ChartView,
    columns: int,
    metric: str,
    front: int | None = None,
) -> Picture:
    """The curves of `metric`, a value's name, or `loss` for the smoothed train loss; that of the
    run at `front` is drawn over the others, where they meet.
    """
    order = sorted(enumerate(runs), key=lambda each: each[0] == front)
    curves = [
        curve
        for place, run in order
        if (curve := _curve(run, view, columns, metric, colour_of(place))) is not None
    ]
    return Picture(
        curves=curves,
        end=max((run.curves.end(view) for run in runs), default=1.0),
        log=view.log and not is_share(metric),
        is_share=is_share(metric),
        cursor=view.cursor,
        empty="" if curves else "The curves appear here with the first epoch.",
    )


def metrics_of(runs: Sequence[Overlaid]) -> list[str]:
    """The metrics to compare runs by: all that any of them measures, and `loss`."""
    names = dict.fromkeys(name for run in runs for name in run.history.epochs.values)
    chosen = [run.history.info.metric for run in runs if run.history.info is not None]
    first = [name for name in dict.fromkeys(chosen) if name in names]
    return [*first, "loss", *(name for name in names if name not in first)]


def _curve(run: Overlaid, view: ChartView, columns: int, metric: str, colour: str) -> Curve | None:
    if metric == "loss":
        picture = run.curves.loss(view, columns)
        train = next((curve for curve in picture.curves if curve.label == "train"), None)
        return None if train is None else Curve(run.label, train.x, train.y, colour)
    epochs = run.history.epochs
    if metric not in epochs.values:
        return None
    places, drawn = bucketed(np.array(epochs.values[metric]), columns)
    steps = np.interp(places, np.arange(len(epochs.step)), np.array(epochs.step))
    return Curve(run.label, run.curves.at(steps, view), drawn, colour, "dots")
