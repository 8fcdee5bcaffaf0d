"""Trains a small run again in memory, so that a probe can observe every step.

A run doesn't record its weights at each step; for the small lectures it costs less to train again.
The initial weights and the order of the samples depend on the seed alone. On the same device these
are therefore the run's own steps, including the learning rates that the user set and the numbers of
threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from torch import nn

from models.lecture import Hyperparameters
from tui_app.inspection.probe_context import ProbeContext
from tui_app.training.build_model import build_model, prepare_model
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.devices.device import DeviceInfo
from tui_app.training.devices.threads import ThreadChoice, threads_kept, use_threads
from tui_app.training.optimizers import make_optimizer, parameter_groups
from tui_app.training.prepare import empty_ranking, make_batches
from tui_app.training.schedule import Schedule
from tui_app.training.state import Measured, Training
from tui_app.training.step import make_step

#: Called before the first step and after each, with the model, the step and that step's loss.
Observe = Callable[[nn.Module, int, float], None]


def replay(
    context: ProbeContext,
    steps: int,
    observe: Observe,
    hyperparameters: Hyperparameters | None = None,
) -> None:
    """Train the first `steps` steps of the run again, or of a run with other hyperparameters.

    This draws random numbers: the caller restores their state (`run_probe` does for a probe).
    """
    with threads_kept():
        use_threads(context.threads_to_prepare())
        training = _prepare(context, hyperparameters or context.settings.hyperparameters)
        changes: dict[int, float] = {}
        if hyperparameters is None:  # the run itself
            changes = dict(context.lr_changes())
            spans = context.spans or training.schedule.spans
            training.schedule = replace(training.schedule, spans=spans)
        _run(training, context, steps, changes, observe)


def _run(
    training: Training,
    context: ProbeContext,
    steps: int,
    changes: Mapping[int, float],
    observe: Observe,
) -> None:
    """Run the steps, with the lr `changes` by their first step."""
    threads = context.threads()
    take_step = make_step(training)
    observe(training.model, 0, float("nan"))
    while training.step < steps:
        for inputs, targets in training.batches.epoch(training.epoch, 0):
            training.lr = changes.get(training.step + 1, training.lr)
            training.apply_lr()
            if training.step + 1 in threads:
                use_threads(threads[training.step + 1])
            loss = take_step(inputs, targets).item()
            training.step += 1
            observe(training.model, training.step, loss)
            context.report(training.step, steps)
            if training.step >= steps:
                return
        training.epoch += 1


def _prepare(context: ProbeContext, hp: Hyperparameters) -> Training:
    settings = replace(context.settings, hyperparameters=hp)
    lecture, data = settings.lecture, context.data
    split = DeviceSplit.of(context.train, data, context.device)
    batches = make_batches(lecture, hp, context.train, split, data)
    model, criterion = build_model(lecture, data, settings, context.device)
    prepare_model(lecture, model, split)
    groups = parameter_groups(lecture, model, hp)
    return Training(
        settings=settings,
        spec=data.spec,
        device=DeviceInfo(str(context.device), ""),
        thread_choice=ThreadChoice(1, "as in the run", is_fixed=True),
        fingerprint="",
        model=model,
        criterion=criterion,
        optimizer=make_optimizer(lecture, model, hp, groups),
        batches=batches,
        schedule=Schedule(hp, len(batches), ((0, hp.epochs * len(batches)),), groups),
        measured=Measured("train", split),
        train_size=len(context.train),
        test=None,
        best=empty_ranking(lecture, data, 1),
        lr=hp.lr,
    )
