"""One optimizer step, as a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from tui_app.training.training import Training


def make_step(training: Training) -> Callable[[Tensor, Tensor], Tensor]:
    """One optimizer step on a batch, as a function that gives the batch's loss on the device."""
    model, criterion, optimizer = training.model, training.criterion, training.optimizer
    backward = training.settings.lecture.backward
    # torch's stubs know a closure that gives a float; every optimizer passes a tensor through.
    take_step = cast(Callable[[Callable[[], Tensor]], Tensor], optimizer.step)
    limit = training.hyperparameters.clip_grad_norm

    def step(inputs: Tensor, targets: Tensor) -> Tensor:
        def closure() -> Tensor:
            optimizer.zero_grad(set_to_none=True)
            with training.autocast():
                loss = criterion(model(inputs), targets)
            if backward is not None:
                backward(model, inputs, targets)
            elif torch.is_grad_enabled():
                loss.backward()
            if limit:
                torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
            return loss.detach()

        return take_step(closure)

    return step
