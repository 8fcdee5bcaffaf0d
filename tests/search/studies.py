"""Small studies for tests, and a worker that trains their trials in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.lecture import Lecture
from tests.program import metrics_lines
from tui_app.runs.events import Event, RunCompleted
from tui_app.runs.settings.variation import Span
from tui_app.search.record import StudyRecord
from tui_app.search.study import Study
from tui_app.search.summary import read_study
from tui_app.search.trial import OpenTrial
from tui_app.search.worker import TrialEnded, Worker
from tui_app.training.session_request import MakeSession
from tui_app.training.steering.control import Control

EPOCHS = 4


def record(lecture: Lecture, **changes: Any) -> StudyRecord:
    values: dict[str, Any] = {
        "lecture": lecture.name,
        "file": "",
        "dataset": "digits",
        "vary": {"lr": Span(0.01, 0.5, is_log=True)},
        "fixed": {"epochs": EPOCHS, "widths": (16,)},
        "metric": "test_accuracy",
        "chosen_on": "test",
        "epochs": EPOCHS,
    }
    return StudyRecord(**{**values, **changes})


def work(
    study: Study,
    lecture: Lecture,
    on_event: Callable[[Event, Control], None] = lambda event, control: None,
) -> tuple[list[TrialEnded], Control]:
    """Let a worker train until it has no more to do; the trials that ended, and its control."""
    control, ended = Control(), list[TrialEnded]()

    def train(make: MakeSession, trial: OpenTrial, listener: Any) -> RunCompleted:
        session = make(control, lambda progress: None)
        return session.train(control, [listener, lambda event: on_event(event, control)])

    Worker(study, lecture, {"device": "cpu"}, control, train, ended.append).work()
    return ended, control


def check_whole(study: Study, count: int) -> None:
    """Every trial has completed once, in a run folder of its own, with all epochs."""
    summary = read_study(study.name, study.runs_dir)
    assert [trial.number for trial in summary.trials] == list(range(count))
    assert {trial.state for trial in summary.trials} == {"completed"}
    runs = [trial.run for trial in summary.trials]
    assert len(set(runs)) == count == len(list(study.runs_dir.glob("*/*/run.json")))
    for run in runs:
        assert run is not None
        epochs = [line["epoch"] for line in metrics_lines(run / "metrics.jsonl", "epoch")]
        assert epochs == list(range(1, EPOCHS + 1))
