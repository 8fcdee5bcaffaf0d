"""Tries what a new study would train, before it exists, and finds what its trials are judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from datasets.reading.progress import Progress, ProgressReporter
from models.lecture import Lecture
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.search.record import StudyRecord, trial_settings
from tui_app.training.cpu_trial import try_model
from tui_app.training.prepare import empty_ranking, read_data, split_train_set
from tui_app.training.state import metric_name


def tried_record(
    record: StudyRecord,
    lecture: Lecture,
    machine: Mapping[str, Any],
    on_progress: Callable[[Progress], None],
    stopped: Callable[[], bool],
) -> StudyRecord:
    """The record of a new study with its metric, its seed and the most epochs of a trial.

    The models of a few trials are built and tried, so that a choice with which no model works is
    refused now. Raises InvalidValue, LectureError, DataUnavailable, DataDamaged, LoadingStopped.
    """
    space = record.space(lecture)
    trials = [trial_settings(record, lecture, given, machine) for given in space.corners()]
    reporter = ProgressReporter(on_progress, stopped)
    first = trials[0]
    data = read_data(first, reporter)
    split_train_set(data, first)  # raises for a part that can't be held out
    for settings in trials:
        reporter.check()
        try_model(settings, data)
    ranking = empty_ranking(lecture, data, 1)
    on = "validation" if first.options.validation else "test" if data.test else "train"
    return replace(
        record,
        dataset=first.dataset,
        metric=metric_name(ranking.metric, on),
        higher_is_better=ranking.highest,
        chosen_on=on,
        seed=_seed(record, first),
        epochs=max(settings.hyperparameters.epochs for settings in trials),
    )


def _seed(record: StudyRecord, settings: RunSettings) -> int:
    """The seed of the sampler: that of the trials, unless it varies."""
    return 0 if "seed" in record.vary else settings.hyperparameters.seed
