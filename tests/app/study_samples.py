"""Studies for tests of the screens: always the same trials, without a storage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tui_app.runs.settings.variation import Choices, Span
from tui_app.search.summary import StudySummary, TrialSummary

WIDTHS = ((512, 256), (128, 64), (32, 16))


def sample_study(count: int = 14, **values: Any) -> StudySummary:
    """A study of lecture 9: the accuracy is the best near lr 0.05; the last trial is running."""
    made = [sample_trial(number) for number in range(count)]
    if made:
        made[-1] = sample_trial(count - 1, state="running", epoch=5)
    defaults: dict[str, Any] = {
        "name": "lr-softmax",
        "lecture": "lecture_09_softmax_classifier",
        "dataset": "digits",
        "metric": "test_accuracy",
        "higher_is_better": True,
        "chosen_on": "test",
        "storage": "runs/studies/lr-softmax.log",
        "settings": {"lr": Span(1e-4, 1.0, is_log=True), "widths": Choices(WIDTHS)},
        "trials": tuple(made),
        "importance": {"lr": 0.8, "widths": 0.2},
        "total": 40,
        "pruner": "median",
    }
    return StudySummary(**(defaults | values))


def sample_trial(number: int, state: str = "", epoch: int = 20, **values: Any) -> TrialSummary:
    """Every fifth trial is pruned, trial 6 failed."""
    lr = 10 ** (-4 * ((number * 0.37) % 1))
    accuracy: float | None = 0.97 - 0.1 * (math.log10(lr) + 1.3) ** 2
    reason = ""
    if not state:
        state = "failed" if number == 6 else "pruned" if number % 5 == 4 else "completed"
        if state == "pruned":
            epoch, reason = 7, "pruned at epoch 7: below the median of 3 trials"
        elif state == "failed":
            epoch, accuracy, reason = 1, None, "diverged: [bold]nan[/bold]\x1b[31m"
    defaults: dict[str, Any] = {
        "number": number,
        "state": state,
        "values": {"lr": repr(lr), "widths": ",".join(map(str, WIDTHS[number % 3]))},
        "metric_value": accuracy,
        "run": Path(f"runs/lecture_09_softmax_classifier/20260131-1200{number:02}-abcd"),
        "epoch": epoch,
        "epochs": 20,
        "reason": reason,
    }
    return TrialSummary(**(defaults | values))


class SampleReader:
    """Stands in for StudyReader: returns the next of these answers, the last one for ever."""

    answers: Sequence[StudySummary | Exception] = ()
    reads = 0
    open_readers = 0

    def __init__(self, name: str, runs_dir: Path, storage: str = "") -> None:
        self._name = name
        type(self).open_readers += 1

    def close(self) -> None:
        """Count it no longer as open."""
        type(self).open_readers -= 1

    def read(self) -> StudySummary:
        """Return a study, or raise a problem."""
        kind = type(self)
        answer = kind.answers[min(kind.reads, len(kind.answers) - 1)]
        kind.reads += 1
        if isinstance(answer, Exception):
            raise answer
        return answer
