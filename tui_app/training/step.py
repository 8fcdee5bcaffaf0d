"""One optimizer step, as a function; a batch too large for the device is taken in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from tui_app.training.ended import is_out_of_memory
from tui_app.training.errors import OutOfMemory
from tui_app.training.evaluation import reduction_of
from tui_app.training.training import Training


class _BatchTooLarge(Exception):
    """The memory ran out before anything but gradients had changed."""


def make_step(training: Training) -> Callable[[Tensor, Tensor], Tensor]:
    """One optimizer step on a batch, as a function that gives the batch's loss on the device.

    Doubles `training.parts` when the device has too little memory for a batch, if the run is to do
    so. Raises OutOfMemory where that is not wanted, or helps no more.
    """
    model, optimizer = training.model, training.optimizer
    # torch's stubs know a closure that gives a float; every optimizer passes a tensor through.
    take_step = cast(Callable[[Callable[[], Tensor]], Tensor], optimizer.step)
    limit = training.hyperparameters.clip_grad_norm

    def step(inputs: Tensor, targets: Tensor) -> Tensor:
        has_begun = False

        def closure() -> Tensor:
            nonlocal has_begun
            optimizer.zero_grad(set_to_none=True)
            try:
                loss = _gradients(training, inputs, targets)
            except (RuntimeError, MemoryError) as error:
                if has_begun or not is_out_of_memory(error):
                    raise
                raise _BatchTooLarge from error
            has_begun = True
            if limit:
                torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
            return loss

        while True:
            try:
                return take_step(closure)
            except _BatchTooLarge:
                _halve(training, len(inputs))
            # Out of the except clause: until here the error kept the step's tensors alive.
            optimizer.zero_grad(set_to_none=True)
            if inputs.is_cuda:
                torch.cuda.empty_cache()

    return step


def _gradients(training: Training, inputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of the batch, its gradients left in the weights."""
    model, backward = training.model, training.settings.lecture.backward
    if training.parts > 1:
        return _gradients_in_parts(training, inputs, targets)
    loss = _loss(training, inputs, targets)
    if backward is not None:
        backward(model, inputs, targets)
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


def _halve(training: Training, size: int) -> None:
    """Take batches in twice as many parts from now on. Raises OutOfMemory."""
    if training.settings.options.on_oom == "stop":
        raise OutOfMemory
    # A gradient written out by hand is written for a whole batch.
    if training.parts >= size or training.settings.lecture.backward is not None:
        raise OutOfMemory
    training.parts *= 2
