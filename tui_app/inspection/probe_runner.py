"""Runs a probe on a model between two training steps; restores modes and random numbers."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from models import LectureError
from models.user_files.error_hints import explain
from models.user_files.error_location import ends_program
from tui_app.inspection.probe_context import Probe, ProbeContext, context_of_training
from tui_app.training.devices.device import make_current
from tui_app.training.devices.precision import products_meanwhile_in
from tui_app.training.seeding import undisturbed
from tui_app.training.state import Training


@dataclass(frozen=True)
class Snapshot:
    """What a probe found in the run `run` after `step` steps, and how long that took."""

    found: Any
    run: str
    epoch: int
    step: int
    seconds: float


def probing(probe: Probe, query: str = "") -> Callable[[Training], Snapshot]:
    """The probe as a callable for `Control.request`, which runs it on the model in training."""
    return lambda training: run_probe(context_of_training(training), probe, query)


def run_probe(context: ProbeContext, probe: Probe, query: str = "") -> Snapshot:
    """Run the probe with the model in evaluation mode; restore its modes and the random numbers."""
    begun = time.perf_counter()
    precision = nullcontext()  # while the run trains, its own and its device are in force
    if not context.is_live:
        make_current(str(context.device))
        precision = products_meanwhile_in(context.settings.options.precision, context.device)
    with precision, undisturbed(context.model):
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
