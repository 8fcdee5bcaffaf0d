"""Runs a probe on a model between two training steps, without changing the model or the random
numbers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn

from models import LectureError
from models.user_files.error_hints import explain
from models.user_files.error_location import ends_program
from tui_app.inspection.probe_context import Probe, ProbeContext
from tui_app.training.seeding import restore_rng_state, rng_state


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
    query: str
    answer: Future[Snapshot]


def run_probe(context: ProbeContext, probe: Probe, query: str = "") -> Snapshot:
    """Run the probe with the model in evaluation mode; restore its modes and the random numbers."""
    begun = time.perf_counter()
    with _undisturbed(context.model):
        found = _found(probe, context, query)
    seconds = time.perf_counter() - begun
    return Snapshot(found, context.folder.name, context.epoch, context.step, seconds)


def _found(probe: Probe, context: ProbeContext, query: str) -> Any:
    """What the probe finds. Raises LectureError for a model that would end the program."""
    try:
        return probe(context, query)
    except (SystemExit, KeyboardInterrupt) as error:
        if not ends_program(error):
            raise
        raise LectureError(explain(error)) from error


def answer(request: Request, context: ProbeContext) -> None:
    """Lay down what is asked for. Whatever goes wrong is the asker's to hear: training goes on."""
    if not request.answer.set_running_or_notify_cancel():
        return
    try:
        request.answer.set_result(run_probe(context, request.probe, request.query))
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
