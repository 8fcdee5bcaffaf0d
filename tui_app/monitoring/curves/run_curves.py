"""Builds the charts of one run: the loss of each step, smoothed, and the metrics of its epochs."""

from __future__ import annotations

from array import array

import numpy as np

from tui_app.drawing.ticks import growing_end
from tui_app.monitoring.curves.bucketing import bucketed
from tui_app.monitoring.curves.picture import ChartView, Curve, Level, Picture
from tui_app.monitoring.curves.smoothing import Smoothed
from tui_app.monitoring.history import History

#: The label and colour of each metric of an epoch, by its split.
_LEGEND = {
    "test": ("test", "series-2"),
    "validation": ("validation", "series-3"),
    "train": ("train after each epoch", "series-4"),
}

#: The colour of the accuracy that is measured with the mirror images, too.
_FLIP_COLOUR = "series-6"

#: The label of each metric's baseline.
_BASELINES = {"accuracy": "majority class", "loss": "class frequencies"}

_NO_LOSS_YET = "The loss appears here with the first steps."
_NO_ACCURACY_YET = "The accuracy appears here after the first epoch."


class RunCurves:
    """Makes charts of a history, and keeps the smoothed losses from one chart to the next."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._smoothed = Smoothed(1)

    def at(self, steps: np.ndarray, view: ChartView) -> np.ndarray:
        """The positions of `steps` on the x axis."""
        return positions(self.history, steps, view)

    def end(self, view: ChartView) -> float:
        """The end of the x axis."""
        history = self.history
        total = history.info.total_steps if history.info else 0
        step = max(history.step, int(history.epochs.step[-1]) if history.epochs.step else 0, 1)
        last = total if history.is_over and step >= total else growing_end(step, total)
        return float(self.at(np.array([float(last)]), view)[0]) or 1.0

    def loss(self, view: ChartView, columns: int) -> Picture:
        """The train loss of each step, raw and smoothed, and the losses after each epoch."""
        history, end = self.history, self.end(view)
        curves = [*self._train(view, columns), *self._measured("loss", view, columns)]
        return Picture(
            curves=curves,
            levels=self._levels("loss"),
            best=self._best("loss", view),
            changes=self._changes(view),
            end=end,
            log=view.log,
            cursor=view.cursor,
            empty="" if history.step else self._empty_text("step", _NO_LOSS_YET),
        )

    def accuracy(self, view: ChartView, columns: int) -> Picture:
        """The accuracies measured after each epoch."""
        return Picture(
            curves=self._measured("accuracy", view, columns),
            levels=self._levels("accuracy"),
            best=self._best("accuracy", view),
            changes=self._changes(view),
            end=self.end(view),
            is_share=True,
            cursor=view.cursor,
            empty="" if self.history.epoch else self._empty_text("epoch", _NO_ACCURACY_YET),
        )

    @property
    def has_accuracy(self) -> bool:
        """Whether the run measures an accuracy."""
        facts = self.history.info
        return bool(facts and (facts.higher_is_better or "accuracy" in facts.base_rates))

    def _empty_text(self, unit: str, expected: str) -> str:
        """The sentence in place of a chart without points."""
        return expected if self.history.is_open else f"The run ended before its first {unit}."

    def _train(self, view: ChartView, columns: int) -> list[Curve]:
        losses = self.history.losses
        if not losses:
            return []
        if self._smoothed.span != view.span:
            self._smoothed = Smoothed(view.span)
        columns = self._columns_of(len(losses), view, columns)
        places, smooth = bucketed(self._smoothed.of(losses), columns)
        line = Curve("train", self.at(places + 1, view), smooth, "series-1")
        if view.span == 1:
            return [line]
        places, raw = bucketed(np.array(losses), columns)
        return [Curve("each step", self.at(places + 1, view), raw, "series-1", "faint"), line]

    def _columns_of(self, step: int, view: ChartView, columns: int) -> int:
        """How many columns the first `step` steps take."""
        share = float(self.at(np.array([float(step)]), view)[0]) / self.end(view)
        return max(8, int(columns * min(1.0, share)))

    def _measured(self, metric: str, view: ChartView, columns: int) -> list[Curve]:
        epochs, curves = self.history.epochs, []
        for name, values in epochs.values.items():
            split = name.split("_")[0]
            if name == "train_loss" or metric not in name.split("_") or split not in _LEGEND:
                continue
            label, colour = _LEGEND[split]
            if "flip" in name.split("_"):
                label, colour = f"{label}, mirrored too", _FLIP_COLOUR
            places, drawn = bucketed(np.array(values), columns)
            steps = np.interp(places, np.arange(len(values)), np.array(epochs.step))
            curves.append(Curve(label, self.at(steps, view), drawn, colour, "dots"))
        return curves

    def _levels(self, metric: str) -> list[Level]:
        facts = self.history.info
        rates = facts.base_rates if facts else {}
        return [Level(_BASELINES[metric], rates[metric])] if metric in rates else []

    def _best(self, metric: str, view: ChartView) -> tuple[float, float] | None:
        best = self.history.best
        if best is None or metric not in best.metric.split("_"):
            return None
        return float(self.at(np.array([float(best.step)]), view)[0]), best.value

    def _changes(self, view: ChartView) -> list[float]:
        steps = np.array([float(change.first_step) for change in self.history.lr_changes])
        return list(self.at(steps, view))


def positions(history: History, steps: np.ndarray, view: ChartView) -> np.ndarray:
    """The positions of `steps` on the x axis of `view`: in steps, epochs or seconds."""
    if view.axis == "step" or history.info is None:
        return steps
    if view.axis == "epoch":
        return steps / history.info.steps_per_epoch
    return _seconds(history.epochs.step, history.epochs.seconds, steps)


def _seconds(measured: array[float], seconds: array[float], steps: np.ndarray) -> np.ndarray:
    """The seconds of training at `steps`; after the last epoch, extrapolated from its speed."""
    if not measured:
        return np.zeros_like(steps)
    xs, ys = np.array([0.0, *measured]), np.array([0.0, *seconds])
    pace = (ys[-1] - ys[-2]) / max(1.0, xs[-1] - xs[-2])
    beyond = np.maximum(0.0, steps - xs[-1]) * pace
    return np.interp(steps, xs, ys) + beyond
