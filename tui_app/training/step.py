"""One optimizer step, as a function; a batch too large for the device is taken in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from tui_app.runs.errors import OutOfMemory
from tui_app.training.evaluation import reduction_of
from tui_app.training.outcome import is_out_of_memory
from tui_app.training.state import Training
from tui_app.training.watchdog import StepInterrupted

#: An optimizer step on a batch (inputs, targets); gives the batch's loss, on the device.
Step = Callable[[Tensor, Tensor], Tensor]


class _BatchTooLarge(Exception):
    """The memory ran out before anything but gradients had changed."""


def make_step(training: Training) -> Step:
    """The step that every device can take.

    Doubles `training.parts` when the device has too little memory for a batch, if the run is to do
    so, and says so in `training.pending_warnings`. Raises OutOfMemory where that is not wanted, or
    helps no more.
    """
    take_step = _taken_by(training.optimizer)

    def step(inputs: Tensor, targets: Tensor) -> Tensor:
        has_begun, parts = False, training.parts

        def closure() -> Tensor:
            nonlocal has_begun
            try:
                loss = _gradients(training, inputs, targets)
            except (RuntimeError, MemoryError) as error:
                if has_begun or not is_out_of_memory(error):
                    raise
                raise _BatchTooLarge from error
            has_begun = True
            return loss

        while True:
            try:
                loss = take_step(closure)
                break
            except _BatchTooLarge:
                _halve(training, len(inputs))
            except StepInterrupted as error:
                error.has_torn_weights = has_begun
                raise
            # Out of the except clause: until here the error kept the step's tensors alive.
            training.optimizer.zero_grad(set_to_none=True)
            if inputs.is_cuda:
                torch.cuda.empty_cache()
        if training.parts != parts:
            training.pending_warnings.append(_PARTS.format(parts=training.parts))
        return loss

    return step


def bare_step(training: Training) -> Step:
    """The step and nothing else, to be recorded: whatever goes wrong is raised as it is."""
    take_step = _taken_by(training.optimizer)
    return lambda inputs, targets: take_step(lambda: _gradients(training, inputs, targets))


def _taken_by(optimizer: torch.optim.Optimizer) -> Callable[[Callable[[], Tensor]], Tensor]:
    # torch's stubs know a closure that gives a float; every optimizer passes a tensor through.
    return cast(Callable[[Callable[[], Tensor]], Tensor], optimizer.step)


def _gradients(training: Training, inputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of the batch, its gradients left in the weights."""
    training.optimizer.zero_grad(set_to_none=True)
    if training.parts > 1:
        loss = _gradients_in_parts(training, inputs, targets)
    else:
        loss = _gradients_at_once(training, inputs, targets)
    limit = training.hyperparameters.clip_grad_norm
    if limit:
        torch.nn.utils.clip_grad_norm_(training.model.parameters(), limit)
    return loss


def _gradients_at_once(training: Training, inputs: Tensor, targets: Tensor) -> Tensor:
    backward = training.settings.lecture.backward
    loss = _loss(training, inputs, targets)
    if backward is not None:
        backward(training.model, inputs, targets)
    elif torch.is_grad_enabled():
        loss.backward()
    return loss.detach()


def _loss(training: Training, inputs: Tensor, targets: Tensor) -> Tensor:
    with training.autocast():
        return training.criterion(training.model(inputs), targets)


def _gradients_in_parts(training: Training, inputs: Tensor, targets: Tensor) -> Tensor:
    """The same, a part of the batch at a time: each counts by its share of the samples."""
    size = -(-len(inputs) // training.parts)
    is_sum = reduction_of(training.criterion) == "sum"
    losses = []
    for some, of_some in zip(inputs.split(size), targets.split(size), strict=True):
        loss = _loss(training, some, of_some)
        if not is_sum:
            loss = loss * (len(some) / len(inputs))
        if torch.is_grad_enabled():
            loss.backward()
        losses.append(loss.detach())
    return torch.stack(losses).sum()


_PARTS = (
    "the device has too little memory for a whole batch: each is taken in {parts} parts from now "
    "on, their gradients added up, so that a step is what it was. Only BatchNorm sees the "
    "difference: its statistics are those of a part"
)


def _halve(training: Training, size: int) -> None:
    """Take batches in twice as many parts from now on. Raises OutOfMemory."""
    if training.settings.options.on_oom == "stop":
        raise OutOfMemory
    # A gradient written out by hand is written for a whole batch.
    if training.parts >= size or training.settings.lecture.backward is not None:
        raise OutOfMemory
    training.parts *= 2
