"""Reads the curves at the cursor, as one line of text."""

from __future__ import annotations

import math

import numpy as np

from tui_app.monitoring.curves.picture import ChartView
from tui_app.monitoring.curves.run_curves import RunCurves
from tui_app.text.quantities import format_number, format_value, is_share


def read_off(curves: RunCurves, view: ChartView) -> str:
    """The values at the cursor of `view`: `step 1240 (epoch 3.2)  loss 0.412  97.5 %`."""
    history = curves.history
    if history.info is None or view.cursor is None or not history.step:
        return ""
    step = _step_at(curves, view, view.cursor * curves.end(view))
    epoch = step / history.info.steps_per_epoch
    parts = [f"step {step} (epoch {epoch:.1f})", f"loss {history.losses[step - 1]:#.4g}"]
    parts += [
        format_number(name, value) if is_share(name) else format_value(name, value)
        for name, value in _metrics_at(curves, step).items()
        if not math.isnan(value) and name != "train_loss"
    ]
    return "  ".join(parts)


def _step_at(curves: RunCurves, view: ChartView, x: float) -> int:
    """The step nearest to `x`, by bisection: every axis grows with the steps."""
    low, high = 1, curves.history.step
    while low < high:
        middle = (low + high) // 2
        if float(curves.at(np.array([float(middle)]), view)[0]) < x:
            low = middle + 1
        else:
            high = middle
    return low


def _metrics_at(curves: RunCurves, step: int) -> dict[str, float]:
    """The metrics of the last epoch that was complete at `step`."""
    epochs = curves.history.epochs
    row = int(np.searchsorted(np.array(epochs.step), step, side="right")) - 1
    return {name: values[row] for name, values in epochs.values.items()} if row >= 0 else {}
