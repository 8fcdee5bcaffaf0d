"""Finds a learning rate for a run's settings. Nothing of it stays: no run, no file, no weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from datasets.reading.progress import Progress, ProgressReporter
from tui_app.inspection.lr_finder.curve import Fall, SmoothedLoss, find_fall, rising_lrs
from tui_app.inspection.lr_finder.finding import LrFinding
from tui_app.inspection.lr_finder.limit import (
    Limit,
    find_limit,
    first_that_trains,
    trials_needed,
)
from tui_app.inspection.lr_finder.restarts import Restarts
from tui_app.inspection.lr_finder.trial import Trial
from tui_app.inspection.lr_finder.usable import refuse_without_lr
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.devices.precision import products_in
from tui_app.training.devices.threads import threads_kept
from tui_app.training.prepare import prepare
from tui_app.training.seeding import host_rng_state, restore_host_rng_state
from tui_app.training.state import Training

#: Steps of the pass: at least so many, if need be in several epochs, and at most so many.
LEAST_STEPS, MOST_STEPS = 100, 1000

#: Epochs of the pass if the batches come in the same order in each.
_EPOCHS = 10

#: Steps of a trial at a constant lr.
TRIAL_STEPS = 50

#: The suggestion is at most this share of the largest lr that trains.
_BELOW_LIMIT = 0.5

_SUBJECT = "learning rates"


@dataclass(frozen=True)
class LrRange:
    """The lrs of the pass, as fastai and Lightning have them by default."""

    lowest: float = 1e-7
    highest: float = 100.0


def find_lr(
    settings: RunSettings,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    stopped: Callable[[], bool] = lambda: False,
    lr_range: LrRange = LrRange(),
) -> LrFinding:
    """Prepare the training that a run with these settings would be, and try learning rates on it.

    Random numbers and threads are restored afterwards. Raises LoadingStopped once `stopped()`,
    InvalidValue for an optimizer without an lr, and what `prepare` and the steps raise.
    """
    refuse_without_lr(settings)
    # A batch is the batch of all devices together: one device finds the same.
    settings = replace(settings, options=replace(settings.options, devices=1))
    begun = time.monotonic()
    with _kept():
        training = prepare(settings, on_progress, stopped)
        reporter = ProgressReporter(on_progress, stopped)
        with products_in(settings.options.precision, training.device.name):
            return _find(training, reporter, lr_range, begun)


@contextmanager
def _kept() -> Iterator[None]:
    """Restore the random numbers and the number of threads in the end."""
    state = host_rng_state()
    on_cards = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    try:
        with threads_kept():
            yield
    finally:
        restore_host_rng_state(state)
        if on_cards is not None:
            torch.cuda.set_rng_state_all(on_cards)


def _find(
    training: Training, reporter: ProgressReporter, lr_range: LrRange, begun: float
) -> LrFinding:
    restarts, highest = Restarts(training), lr_range.highest
    steps, cycle = _pass_of(training)
    lrs, losses, smoothed = [], [], SmoothedLoss(steps, cycle)
    planned = rising_lrs(lr_range.lowest, highest, steps)
    for lr, loss in zip(planned, restarts.rising(planned), strict=False):
        lrs.append(lr)
        losses.append(loss)
        smoothed.add(loss)
        reporter.advance(len(lrs), steps, _SUBJECT, action="raising")
        if smoothed.has_diverged:
            break
    fall = find_fall(lrs, smoothed.values)
    trials: list[Trial] = []
    suggested, limit = None, None
    if fall is not None:
        suggested, limit = _suggest(restarts, reporter, fall, lrs[-1], highest, trials)
    return LrFinding(
        lrs=tuple(lrs),
        losses=tuple(losses),
        smoothed=tuple(smoothed.values),
        fall=fall,
        trial=suggested,
        limit=limit,
        trials=tuple(trials),
        highest=highest,
        settings_lr=training.hyperparameters.lr,
        device=training.device.name,
        seconds=time.monotonic() - begun,
        notes=(*training.notes, *training.pending_warnings),
    )


def _pass_of(training: Training) -> tuple[int, int]:
    """The steps of the pass, and after how many of them the same batches come again in the same
    order; 1 if they never do, or after too many.
    """
    epoch = len(training.batches)
    if training.hyperparameters.shuffle or epoch > MOST_STEPS // _EPOCHS:
        return min(MOST_STEPS, max(LEAST_STEPS, epoch)), 1
    return max(LEAST_STEPS, _EPOCHS * epoch), epoch


def _suggest(
    restarts: Restarts,
    reporter: ProgressReporter,
    fall: Fall,
    guess: float,
    highest: float,
    trials: list[Trial],
) -> tuple[Trial | None, Limit | None]:
    """The trial of the suggested lr, and the limit. Every trial is added to `trials`."""
    total = TRIAL_STEPS * (2 + trials_needed(fall.valley, guess))

    def advance() -> Iterator[None]:
        for done in range(1, 10**9):
            reporter.advance(min(done, total), total, _SUBJECT, action="trying")
            yield

    progress = advance()

    def try_lr(lr: float) -> Trial:
        trials.append(restarts.trial(lr, TRIAL_STEPS, progress))
        return trials[-1]

    suggested = first_that_trains(try_lr, short(fall.valley))
    if suggested is None:
        return None, None
    limit = find_limit(try_lr, suggested, guess, highest)
    if limit is not None and suggested.lr > _BELOW_LIMIT * limit.trains:
        suggested = first_that_trains(try_lr, short(_BELOW_LIMIT * limit.trains))
    return suggested, limit


def short(lr: float) -> float:
    """The lr to two digits, as one types it."""
    return float(f"{lr:.2g}")
