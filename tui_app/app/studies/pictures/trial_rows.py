"""Formats the trials of a study as rows of a table that fits the width."""

from __future__ import annotations

from collections.abc import Sequence

from tui_app.app.studies.pictures.trial_marks import has_value, label_of
from tui_app.search.summary import StudySummary, TrialSummary
from tui_app.text.columns import Column
from tui_app.text.escaping import printable
from tui_app.text.quantities import format_short, short_number

#: The cells that a setting's value is cut down to at least.
_LEAST = 5

#: Columns of the trial itself stay longer than those of settings.
_TRIAL = 100


def trial_columns(study: StudySummary) -> list[Column]:
    """Return the columns: the number, the metric, each setting, the epochs and the state. Where
    not all fit, the least important settings are left out first.
    """
    importance = study.importance or {}
    ranked = sorted(study.settings, key=lambda name: importance.get(name, 0.0))
    settings = [Column(label_of(name), ranked.index(name), _LEAST) for name in study.settings]
    return [
        Column("trial", _TRIAL + 3, right=True),
        Column(_metric_title(study), _TRIAL + 2, right=True),
        *settings,
        Column("epoch", _TRIAL, right=True),
        Column("state", _TRIAL + 1),
    ]


def _metric_title(study: StudySummary) -> str:
    return label_of(study.metric).replace("accuracy", "acc.")


def trial_cells(study: StudySummary, trial: TrialSummary) -> list[str]:
    """Return the texts of a trial in the columns of `trial_columns`."""
    epoch = f"{trial.epoch}/{trial.epochs}" if trial.epochs else "-"
    return [
        str(trial.number),
        metric_text(study, trial),
        *(short_value(trial.values.get(name, "-")) for name in study.settings),
        epoch,
        trial.state,
    ]


def metric_text(study: StudySummary, trial: TrialSummary) -> str:
    """Return the metric of a trial: `97.50 %`, `0.1396`, or `-` without one."""
    if trial.metric_value is None:
        return "-"
    return format_short(study.metric, trial.metric_value).removeprefix("loss ")


def short_value(text: str) -> str:
    """Return a setting's value with at most four digits: `0.003162` for `0.0031622776601683795`."""
    return printable(short_number(text))


def ordered_trials(study: StudySummary, *, best_first: bool) -> Sequence[TrialSummary]:
    """Return the trials: the newest first, or the best first and those without a metric last."""
    newest = sorted(study.trials, key=lambda trial: -trial.number)
    if not best_first:
        return newest
    sign = -1 if study.higher_is_better else 1
    return sorted(
        newest,
        key=lambda trial: (
            not has_value(trial),
            trial.state != "completed",
            sign * (trial.metric_value or 0.0),
        ),
    )
