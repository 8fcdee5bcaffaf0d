"""Makes the function that runs one optimizer step, and splits batches that don't fit the memory."""

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

#: Runs an optimizer step on a batch (inputs, targets) and returns its loss, on the device.
Step = Callable[[Tensor, Tensor], Tensor]


class _BatchTooLarge(Exception):
    """The memory ran out before anything but gradients changed."""


def make_step(training: Training, make_room: Callable[[], bool] = lambda: False) -> Step:
    """The step for any device.

    If the device has too little memory for a batch, it tries again if `make_room` could free some.
    Otherwise it doubles `training.parts` and adds a warning to `training.pending_warnings`. Raises
    OutOfMemory if the run's options forbid that, or if it doesn't help.
    """
    run_step = step_of(training.optimizer)

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
                loss = run_step(closure)
                break
            except _BatchTooLarge:
                pass
            except StepInterrupted as error:
                error.has_torn_weights = has_begun
                raise
            # Outside of the except clause, in which the error keeps the step's tensors alive.
            training.optimizer.zero_grad(set_to_none=True)
            if not make_room():
                _split_further(training, len(inputs))
            if inputs.is_cuda:
                torch.cuda.empty_cache()
        if training.parts != parts:
            training.pending_warnings.append(_PARTS.format(parts=training.parts))
        return loss

    return step


def bare_step(training: Training) -> Step:
    """A step without out-of-memory handling, for recording."""
    run_step = step_of(training.optimizer)
    return lambda inputs, targets: run_step(lambda: _gradients(training, inputs, targets))


def step_of(optimizer: torch.optim.Optimizer) -> Callable[[Callable[[], Tensor]], Tensor]:
    """The optimizer's step: called with a closure, it returns the closure's first loss."""
    # torch's stubs want a closure that returns a float; every optimizer passes a tensor through.
    return cast(Callable[[Callable[[], Tensor]], Tensor], optimizer.step)


def _gradients(training: Training, inputs: Tensor, targets: Tensor) -> Tensor:
    """The batch's loss; its gradients are left in the weights."""
    training.optimizer.zero_grad(set_to_none=True)
    if training.parts > 1:
        loss = _gradients_in_parts(training, inputs, targets)
    else:
        loss = gradients_at_once(training, inputs, targets)
    clip_gradients(training)
    return loss


def clip_gradients(training: Training) -> None:
    """Clip the norm of the gradients, if the run does that."""
    limit = training.hyperparameters.clip_grad_norm
    if limit:
        torch.nn.utils.clip_grad_norm_(training.model.parameters(), limit)


def gradients_at_once(training: Training, inputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of these samples; its gradients are added to those in the weights."""
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
    """The same, one part of the batch after another, each weighted by its share of the samples."""
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
    "the device has too little memory for a whole batch: from now on each is split into {parts} "
    "parts and their gradients are added up, so that a step stays the same. Only BatchNorm "
    "differs: its statistics are those of a part"
)


def _split_further(training: Training, size: int) -> None:
    """Split batches into twice as many parts from now on. Raises OutOfMemory."""
    if training.settings.options.on_oom == "stop":
        raise OutOfMemory
    # A lecture's own gradient is for a whole batch.
    if training.parts >= size or training.settings.lecture.backward is not None:
        raise OutOfMemory
    training.parts *= 2
