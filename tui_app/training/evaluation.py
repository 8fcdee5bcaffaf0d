"""Evaluates a model on a split: loss and accuracy."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from datasets.dataset import Task
from models.lecture import Hyperparameters
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.outcome import is_out_of_memory

#: Samples at a time: enough to keep a GPU busy, few enough to notice a stop soon.
CHUNK = 2000


def measures_flip(hyperparameters: Hyperparameters) -> bool:
    """Whether the run also measures the accuracy with mirrored images."""
    return getattr(hyperparameters, "test_flip", False)


class EvaluationStopped(Exception):
    """Evaluation was stopped, and has no result."""


def correct(outputs: Tensor, targets: Tensor, task: Task) -> Tensor:
    """Which predictions are correct: bool, of the targets' shape. `outputs` are logits.

    (N, classes) or (N, classes, ...) against (N, ...) for several classes, (N, 1) against (N, 1)
    for two.
    """
    if task == "binary":
        return (outputs > 0) == (targets > 0.5)
    return outputs.argmax(dim=1) == targets


@torch.no_grad()
def evaluate(
    model: nn.Module,
    criterion: nn.Module,
    split: DeviceSplit,
    task: Task,
    stopped: Callable[[], bool] = lambda: False,
    *,
    flip: bool = False,
) -> dict[str, float]:
    """`loss` over the split, as the criterion reduces it, and `accuracy` where there are classes.

    With `flip` also `flip_accuracy`, of the mean of the logits for an image and its mirror image.

    Restores the model's mode afterwards. If the memory is too small, it takes fewer samples at a
    time. Raises EvaluationStopped.
    """
    size = CHUNK
    while True:
        try:
            return _evaluate(model, criterion, split, task, stopped, size, flip=flip)
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        size //= 2


def _evaluate(
    model: nn.Module,
    criterion: nn.Module,
    split: DeviceSplit,
    task: Task,
    stopped: Callable[[], bool],
    size: int,
    *,
    flip: bool,
) -> dict[str, float]:
    was_training = model.training
    model.eval()
    is_sum = reduction_of(criterion) == "sum"
    losses, corrects, of_flip, count = [], [], [], 0
    try:
        for inputs, targets in split.chunks(size):
            if stopped():
                raise EvaluationStopped
            outputs = model(inputs)
            loss = criterion(outputs, targets)
            losses.append(loss if is_sum else loss * len(inputs))
            if task != "regression":
                corrects.append(correct(outputs, targets, task).sum())
                count += targets.numel()
            if flip:
                both = outputs + model(inputs.flip(-1))
                of_flip.append(correct(both, targets, task).sum())
    finally:
        model.train(was_training)
    # Of a short epoch, stacking and adding up its one loss would take a sixth of the evaluation.
    (first, *others) = losses
    total = torch.stack(losses).cpu().double().sum().item() if others else first.item()
    values = {"loss": total if is_sum else total / len(split)}
    if corrects:
        values["accuracy"] = torch.stack(corrects).sum().item() / count
    if of_flip:
        values["flip_accuracy"] = torch.stack(of_flip).sum().item() / count
    return values


def reduction_of(criterion: nn.Module) -> str:
    """`sum` or `mean`: how the criterion reduces the losses of a batch."""
    return getattr(criterion, "reduction", "mean")
