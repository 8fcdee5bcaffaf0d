"""Measures which number of threads is fastest for the nets of the course, on bundled data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from datasets import get_dataset
from models import find_lecture, lecture_names
from models.lecture import Lecture
from models.loading.load import load_lecture
from models.user_files.error_hints import explain_in_one_line
from tui_app.runs.settings.run_settings import resolve_settings
from tui_app.training.devices.machine_load import LoadMeter
from tui_app.training.devices.thread_cache import remember
from tui_app.training.devices.thread_timing import ThreadTimes
from tui_app.training.prepare import prepare
from tui_app.training.thread_choice import (
    NotMeasured,
    measure_threads,
    reason_for_one_in_step,
    shape_of,
)


@dataclass(frozen=True)
class TunedNet:
    """The net of a lecture with its own settings: the times of a step, or why there are none."""

    lecture: str
    dataset: str
    times: ThreadTimes | None
    reason: str = ""


def tune_course() -> Iterator[TunedNet]:
    """Measure one lecture after another, and remember the times in place of earlier ones.

    A lecture without bundled data is left out. Takes a second or two for each.
    """
    for name in lecture_names():
        lecture = load_lecture(find_lecture(name))
        bundled = [dataset for dataset in lecture.datasets if not get_dataset(dataset).files]
        if not bundled:
            continue
        try:
            yield _tune(lecture, bundled[0])
        except Exception as error:  # noqa: BLE001 # the other lectures are measured all the same
            yield TunedNet(lecture.name, bundled[0], None, explain_in_one_line(error))


def _tune(lecture: Lecture, dataset: str) -> TunedNet:
    given = {"dataset": dataset, "device": "cpu", "threads": 1}
    training = prepare(resolve_settings(lecture, given))
    try:
        if reason := reason_for_one_in_step(training):
            return TunedNet(lecture.name, dataset, None, reason)
        batch = next(training.batches.epoch(0, 0))
        times = measure_threads(training, lambda: batch, LoadMeter(), lambda: None)
    except NotMeasured as error:
        return TunedNet(lecture.name, dataset, None, str(error))
    finally:
        training.batches.close()
    remember(shape_of(training), times, replace=True)
    return TunedNet(lecture.name, dataset, times)
