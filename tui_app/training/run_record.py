"""Makes the record of a prepared run for run.json."""

from __future__ import annotations

from typing import Any

from tui_app.runs.run_record import RunRecord
from tui_app.runs.run_source import source_record
from tui_app.runs.settings.run_settings import as_record
from tui_app.training.baselines import baselines
from tui_app.training.evaluation import reduction_of
from tui_app.training.state import Training

#: run.json has the normalisation of at most so many columns, since it is read often.
_MOST_COLUMNS = 1000


def record_of(training: Training) -> RunRecord:
    """The run's settings, source and data, and what `prepare` chose."""
    model = type(training.model)
    values = {
        **as_record(training.settings),
        "source": source_record(training.settings.lecture),
        "model": model.__qualname__,
        "normalisation": _normalisation(training),
        "device": training.device.name,
        "threads": training.thread_choice.count,
        "threads_reason": training.thread_choice.reason,
        "data_fingerprint": training.fingerprint,
        "parameters": training.parameters,
        "steps_per_epoch": len(training.batches),
        "schedule": [list(span) for span in training.schedule.spans],
        "metric": training.metric,
        "higher_is_better": training.best.highest,
        "chosen_on": training.measured.name,
        "reduction": reduction_of(training.criterion),
        "train_size": training.train_size,
        "base_rates": baselines(training),
    }
    return RunRecord.of(values)


def _normalisation(training: Training) -> dict[str, Any] | None:
    """The mean and std of pixels, as shares of the `brightest`, or those of each numeric column by
    name. None for data that aren't normalised, and for very wide tables.
    """
    data = training.measured.split.data
    if data.brightest is not None:
        return {"mean": data.mean, "std": data.std, "brightest": data.brightest}
    if not 0 < len(data.scales) <= _MOST_COLUMNS:
        return None
    return {
        "mean": {name: mean for name, (mean, _) in data.scales.items()},
        "std": {name: std for name, (_, std) in data.scales.items()},
    }
