"""What a view shows of a model: plain numbers, taken by the loop between two steps when asked for.

A probe looks at a `ProbeContext` and gives a frozen dataclass of numpy arrays and plain numbers.
The same probe serves a run that trains (`Control.request_snapshot`) and one that is over
(`subjects.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from datasets import Data, Split
from models import LectureError
from models.user_files.error_hints import explain
from models.user_files.error_location import ends_program
from tui_app.runs.metrics_file import read_lines
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings import RunSettings
from tui_app.training.batches import DeviceSplit
from tui_app.training.schedule import Span
from tui_app.training.seeding import restore_rng_state, rng_state

#: Samples that are looked at while training waits.
_LIVE_ROWS = 1000


#: Told how many of how many steps a probe has trained again. May raise, to end the probe.
Report = Callable[[int, int], None]


def _report_nothing(steps: int, of: int) -> None:
    pass


@dataclass(frozen=True)
class ProbeContext:
    """A model to be looked at, with what it learns from and is measured on.

    `split` is the one named by `measured`: test, validation, or train where there is no other.
    While the run trains (`is_live`) a probe should be quick: training waits for it.
    """

    settings: RunSettings
    data: Data
    model: nn.Module
    criterion: nn.Module
    device: torch.device
    measured: str
    split: Split
    train: Split
    epoch: int
    step: int
    lr: float
    folder: RunFolder
    is_live: bool
    spans: tuple[Span, ...] = ()
    """Those of the lr's schedule; none where they are not known: one from end to end."""
    report: Report = _report_nothing
    data_note: str = ""
    """What the user should know of the data as they are now; or nothing."""

    def rows(self) -> np.ndarray:
        """The rows of `split` to look at: all, or enough for a picture while the run trains."""
        return evenly_spaced_rows(self.split, _LIVE_ROWS if self.is_live else len(self.split))

    def batch(self, split: Split, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """The samples `rows` of `split` as the model takes them: inputs, targets."""
        chosen = DeviceSplit.of(split.subset(rows), self.data, self.device)
        return next(chosen.chunks(max(1, len(chosen))))

    def lr_changes(self) -> list[tuple[int, float]]:
        """The learning rates that a person set during the run: (first step, lr)."""
        lines = read_lines(self.folder.metrics, ("control",))
        return [(int(line["first_step"]), float(line["lr"])) for line in lines]


#: Looks at a subject; the text is what a person asked, empty when nothing was.
Probe = Callable[[ProbeContext, str], Any]


@dataclass(frozen=True)
class Snapshot:
    """What a probe found in the run `run` after `step` steps, and how long that took."""

    found: Any
    run: str
    epoch: int
    step: int
    seconds: float


@dataclass(frozen=True)
class Request:
    """A snapshot that is wanted; the future is where it is laid down, from any thread."""

    probe: Probe
    ask: str
    answer: Future[Snapshot]


def evenly_spaced_rows(split: Split, limit: int) -> np.ndarray:
    """At most `limit` rows spread evenly over the split, since files are often sorted by class."""
    count = min(limit, len(split))
    return np.linspace(0, len(split) - 1, count).round().astype(np.int64)


def take(subject: ProbeContext, probe: Probe, ask: str = "") -> Snapshot:
    """Let the probe look, and leave model and random numbers as they were."""
    begun = time.perf_counter()
    with _undisturbed(subject.model):
        found = _found(probe, subject, ask)
    seconds = time.perf_counter() - begun
    return Snapshot(found, subject.folder.name, subject.epoch, subject.step, seconds)


def _found(probe: Probe, subject: ProbeContext, ask: str) -> Any:
    """What the probe finds. Raises LectureError for a model that would end the program."""
    try:
        return probe(subject, ask)
    except (SystemExit, KeyboardInterrupt) as error:
        if not ends_program(error):
            raise
        raise LectureError(explain(error)) from error


def answer(request: Request, subject: ProbeContext) -> None:
    """Lay down what is asked for. Whatever goes wrong is the asker's to hear: training goes on."""
    if not request.answer.set_running_or_notify_cancel():
        return
    try:
        request.answer.set_result(take(subject, request.probe, request.ask))
    except Exception as error:  # noqa: BLE001
        request.answer.set_exception(error)
    except BaseException:  # the run is stopped in the middle of this
        request.answer.set_exception(RuntimeError("the run was stopped meanwhile"))
        raise


@contextmanager
def _undisturbed(model: nn.Module) -> Iterator[None]:
    training = [module for module in model.modules() if module.training]
    state = rng_state()
    model.eval()
    try:
        yield
    finally:
        restore_rng_state(state)
        for module in training:
            module.training = True
