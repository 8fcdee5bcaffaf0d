"""Chooses the number of CPU threads of a run by measuring its steps, once for a shape of net."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from datasets.reading.progress import LoadingStopped
from tui_app.text.quantities import counted
from tui_app.training.build_model import build_model
from tui_app.training.data.device_split import Batch
from tui_app.training.devices.machine_load import LoadMeter, is_quiet, usable_cores, usable_threads
from tui_app.training.devices.thread_cache import remember, remembered
from tui_app.training.devices.thread_timing import ThreadTimes, thread_counts, time_threads
from tui_app.training.devices.threads import AS_REQUESTED, ThreadChoice, threads_kept, use_threads
from tui_app.training.optimizers import make_optimizer, parameter_groups
from tui_app.training.seeding import undisturbed
from tui_app.training.state import Training
from tui_app.training.step import Step, make_step

#: Forward multiply-adds of a step, and of a whole run, below which one thread trains without a
#: measurement: steps of a tenth of a millisecond can't be shared, and a run of a second or two
#: would be over before a measurement had paid.
_LEAST_OF_STEP = 3e6
_LEAST_OF_RUN = 2e10

#: Seconds during which the load is measured, at least.
_LOAD_SECONDS = 0.25

_BUSY = "other processes keep the cores busy"


class NotMeasured(Exception):
    """A measurement failed or means nothing; the text says why."""


def choose_threads(
    training: Training, draw: Callable[[], Batch], load: LoadMeter, check: Callable[[], None]
) -> ThreadChoice:
    """The threads of a new run.

    Several threads wait for each other in every layer. This pays only on a quiet machine, and for
    some nets not even there: `auto` measures steps on the batch that `draw` returns, and remembers
    the result. It is one thread if the machine has been busy since `load` was started. `check` is
    called during the measurement, and may raise to end it.
    """
    requested, ranks = training.settings.options.threads, training.ranks
    if requested != "auto":
        return ThreadChoice(requested, AS_REQUESTED, is_fixed=True)
    if ranks.count == 1:
        return _choose_by_measurement(training, draw, load, check)
    # One rank measures while the others wait.
    choice = ranks.agree(partial(_choose_by_measurement, training, draw, load, check))
    return _among_ranks(choice, ranks.local_count)


def _among_ranks(choice: ThreadChoice, local_ranks: int) -> ThreadChoice:
    """The choice of one rank for each of those that share the cores of a machine. It is fixed: all
    ranks wait for the slowest, so none learns from the time of its own steps.
    """
    most = max(1, usable_cores() // local_ranks)
    if choice.count <= most:
        return ThreadChoice(choice.count, choice.reason, is_fixed=True)
    return ThreadChoice(most, _sharing_text(local_ranks), is_fixed=True)


def _sharing_text(local_ranks: int) -> str:
    return f"{local_ranks} ranks share {counted(usable_cores(), 'core')}"


def _choose_by_measurement(
    training: Training, draw: Callable[[], Batch], load: LoadMeter, check: Callable[[], None]
) -> ThreadChoice:
    """The threads for a run that doesn't request a number."""
    if reason := reason_for_one(training):
        return ThreadChoice(1, reason, is_fixed=True)
    times = remembered(shape_of(training))
    if times is not None:
        return _choice(times, is_busy=times.best > 1 and _is_busy(load, times.best))
    try:
        if _is_busy(load, 2):
            raise NotMeasured(_BUSY)
        times = measure_threads(training, draw, load, check)
    except NotMeasured as error:
        return ThreadChoice(1, str(error), is_fixed=True)
    remember(shape_of(training), times)
    return _choice(times)


def resumed_choice(training: Training, count: int, reason: str) -> ThreadChoice:
    """The choice for a run that goes on with `count` threads, which nothing measures again."""
    is_fixed = training.settings.options.threads != "auto"
    if training.ranks.count > 1 and not is_fixed:
        return _among_ranks(ThreadChoice(count, reason), training.ranks.local_count)
    if is_fixed or reason_for_one(training):
        return ThreadChoice(count, reason, is_fixed=True)
    times = remembered(shape_of(training))
    most = max(count, times.best if times is not None else 1)
    seconds = times.seconds if times is not None else {}
    return ThreadChoice(count, reason, most == 1, most, seconds)


def measure_threads(
    training: Training, draw: Callable[[], Batch], load: LoadMeter, check: Callable[[], None]
) -> ThreadTimes:
    """Time steps on the batch that `draw` returns, with copies of the model and the optimizer of a
    run before its first step; its random numbers stay as they are. Raises NotMeasured, and what
    `check` raises.
    """
    load.restart()
    with undisturbed(training.model), threads_kept():
        try:
            step, batch = _step_of_copy(training), draw()
            counts = thread_counts(usable_threads())
            times = time_threads(lambda: step(*batch), counts, use_threads, check)
        except LoadingStopped:
            raise
        except Exception as error:  # the run's first step fails like this too, and explains it
            raise NotMeasured("its steps couldn't be measured") from error
    # Beside a busy program one thread is the fastest, wherever it isn't otherwise.
    if not (times.is_steady and is_quiet(load.others(), max(times.seconds), usable_cores())):
        raise NotMeasured(_BUSY)
    return times


def _step_of_copy(training: Training) -> Step:
    settings, data = training.settings, training.measured.split.data
    model, criterion = build_model(settings.lecture, data, settings, torch.device("cpu"))
    hp = training.hyperparameters
    groups = parameter_groups(settings.lecture, model, hp)
    optimizer = make_optimizer(settings.lecture, model, hp, groups)
    copy = replace(
        training, model=model, criterion=criterion, optimizer=optimizer, pending_warnings=[]
    )
    model.train()
    return make_step(copy)


def shape_of(training: Training) -> Mapping[str, Any]:
    """What the arithmetic of a step depends on."""
    weights = [list(weight.shape) for weight in training.model.parameters()]
    return {
        "weights": hashlib.sha256(json.dumps(weights).encode()).hexdigest()[:32],
        "parameters": training.parameters,
        "multiply_adds": training.multiply_adds,
        "inputs": list(training.spec.input_shape),
        "batch_size": _samples_of_step(training),
        "optimizer": type(training.optimizer).__qualname__,
        "precision": training.settings.options.precision,
    }


def _samples_of_step(training: Training) -> int:
    """The samples of a full batch that this process computes with."""
    share = training.ranks.share(training.batches.batch_size)
    return share.stop - share.start


def reason_for_one(training: Training) -> str:
    """Why one thread trains the run and nothing is measured; empty if something is."""
    of_run = training.multiply_adds * training.train_size * training.epochs
    if not (reason := reason_for_one_in_step(training)) and of_run < _LEAST_OF_RUN:
        return "the run is too short to measure whether more are faster"
    return reason


def reason_for_one_in_step(training: Training) -> str:
    """Why one thread runs a step best, whatever the length of the run; empty if it may not."""
    if training.device.name != "cpu":
        return "the GPU does the arithmetic"
    if training.multiply_adds * _samples_of_step(training) < _LEAST_OF_STEP:
        return "steps are too short to share"
    local_ranks = training.ranks.local_count
    if local_ranks > 1 and usable_cores() < 2 * local_ranks:
        return _sharing_text(local_ranks)
    if usable_threads() == 1:
        return "there is one core" if usable_cores() == 1 else "OMP_NUM_THREADS allows no more"
    return ""


def _choice(times: ThreadTimes, *, is_busy: bool = False) -> ThreadChoice:
    best = times.best
    if best == 1:
        return ThreadChoice(1, "measured: more are no faster", is_fixed=True)
    reason = _BUSY if is_busy else f"measured: {times.speedup(best):.1f} times as fast as one"
    return ThreadChoice(1 if is_busy else best, reason, most=best, seconds=times.seconds)


def _is_busy(load: LoadMeter, threads: int) -> bool:
    """Whether other processes need the cores, by the load of at least a moment."""
    if load.seconds:  # else the system doesn't say
        time.sleep(max(0.0, _LOAD_SECONDS - load.seconds))
    return not is_quiet(load.others(), threads, usable_cores())
