"""Draws the trials of a study by number, and the best metric so far as a line."""

from __future__ import annotations

from tui_app.app.studies.pictures.metric_axis import MetricAxis
from tui_app.app.studies.pictures.trial_marks import best_so_far, has_value, sign_of
from tui_app.drawing.canvas import Canvas
from tui_app.drawing.plot import Plot
from tui_app.drawing.ticks import count_tick, ticks
from tui_app.search.summary import StudySummary, TrialSummary

#: The trials for which the axis has room at least.
_FEWEST = 5


def draw_best_curve(
    canvas: Canvas,
    study: StudySummary,
    axis: MetricAxis,
    chosen: TrialSummary | None,
    left: int,
    top: int,
    columns: int,
    rows: int,
) -> None:
    """Draw into a rectangle of the canvas; the trial `chosen` is marked."""
    last = max((trial.number for trial in study.trials), default=0)
    xs = (-0.5, max(_FEWEST, last) + 0.5)
    plot = Plot(canvas, xs, (axis.low, axis.high), left=left, top=top, columns=columns, rows=rows)
    whole = sorted({round(tick) for tick in ticks(0, xs[1] - 0.5, max(2, plot.columns // 10))})
    plot.axes(
        "trial",
        x_ticks=[(tick, count_tick(tick)) for tick in whole],
        y_ticks=axis.ticks(plot.rows),
    )
    best = list(best_so_far(study))
    _draw_steps(plot, axis, best, last)
    newest = best[-1] if best else None
    for trial in study.trials:
        if has_value(trial) and trial is not newest and trial is not chosen:
            _draw_trial(plot, axis, trial, newest)
    for trial, is_chosen in ((newest, False), (chosen, True)):
        if trial is not None and has_value(trial):
            _draw_trial(plot, axis, trial, newest, is_chosen=is_chosen)


def _draw_steps(plot: Plot, axis: MetricAxis, best: list[TrialSummary], last: int) -> None:
    xs: list[float] = []
    ys: list[float] = []
    for trial in best:
        assert trial.metric_value is not None
        xs += [trial.number, trial.number]
        ys += [ys[-1] if ys else axis.place(trial.metric_value), axis.place(trial.metric_value)]
    if xs:
        plot.curve([*xs, last], [*ys, ys[-1]], plot.canvas.pen.style("model"))


def _draw_trial(
    plot: Plot,
    axis: MetricAxis,
    trial: TrialSummary,
    best: TrialSummary | None,
    *,
    is_chosen: bool = False,
) -> None:
    assert trial.metric_value is not None
    sign, meaning = sign_of(trial, best, plot.canvas.pen)
    style = plot.canvas.pen.style(f"{meaning} here" if is_chosen else meaning)
    plot.mark(trial.number, axis.place(trial.metric_value), sign, style)
