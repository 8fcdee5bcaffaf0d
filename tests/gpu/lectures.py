"""Checks the steady steps of every lecture: are they recorded, and do they wait for the GPU?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch

from datasets import get_dataset
from datasets.fetching.disk import find
from models import find_lecture, lecture_names
from models.lecture import Lecture
from models.loading.load import load_lecture
from tests.gpu.check import Context, Row, error_row
from tests.gpu.runs import settings_for, why_not_recorded
from tests.gpu.ways import EAGER, MANY, Steps
from tests.program import names
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training import prepare
from tui_app.training.state import Training

#: Steps before the steady ones: they create the optimizer's state, and are recorded.
_FIRST = 80

#: Steady steps.
_STEADY = 40


def steady_steps(context: Context) -> Iterator[Row]:
    """Run every lecture's steps as tutorch runs them, and with a call for each operation."""
    for name in lecture_names():
        try:
            yield _row(context, load_lecture(find_lecture(name)))
        except Exception as error:  # noqa: BLE001 # the other lectures are checked nevertheless
            # Made-up numbers need not be what a lecture's layers can take, such as lengths.
            yield replace(error_row(error, name), verdict=context.judged(False))


def _row(context: Context, lecture: Lecture) -> Row:
    settings = settings_for(context, lecture, data_dir=str(context.data_dir))
    training = _prepared(settings)
    waits = _waits(training, MANY)
    reasons = [*filter(None, map(why_not_recorded, training.pending_warnings))]
    result = [f"not recorded: {reasons[0]}" if reasons else "recorded"]
    result.append(f"steady steps wait: {waits}" if waits else "steady steps don't wait")
    if not reasons:
        eager = _waits(_prepared(settings), EAGER)
        result.append(f"eager ones wait: {eager}" if eager else "nor do eager ones")
    # What isn't recorded may wait: that is then the reason.
    return Row(lecture.name, "; ".join(result), "failed" if waits and not reasons else "ok")


def _prepared(settings: RunSettings) -> Training:
    """The training, on made-up data if its data set isn't there: nothing is fetched."""
    dataset = get_dataset(settings.dataset)
    if dataset.files and find(dataset, Path(settings.options.data_dir)) is None:
        with mock.patch.object(prepare, "read_data", lambda *_: names()):
            return prepare.prepare(settings)
    return prepare.prepare(settings)


def _waits(training: Training, way: str) -> str:
    """What a steady step waits for, in torch's words; empty if none waits."""
    with closing(Steps(training, way)) as steps:
        steps.run(_FIRST)
        try:
            steps.run(_STEADY, "error")
        except RuntimeError as error:
            if "synchronizing" not in str(error):
                raise
            return str(error).splitlines()[0]
        finally:
            torch.cuda.synchronize()
    return ""
