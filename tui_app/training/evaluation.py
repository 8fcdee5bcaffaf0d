"""Evaluates a model on a split: loss and accuracy."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from datasets.dataset import Task
from models.lecture import Hyperparameters
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.outcome import is_out_of_memory
from tui_app.training.ranks.ranks import ALONE, Ranks

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
    ranks: Ranks = ALONE,
) -> dict[str, float]:
    """`loss` over the split, as the criterion reduces it, and `accuracy` where there are classes.

    With `flip` also `flip_accuracy`, of the mean of the logits for an image and its mirror image.

    Several `ranks` evaluate a part each, and stop together. Restores the model's mode afterwards.
    If the memory is too small, it takes fewer samples at a time. Raises EvaluationStopped.
    """
    is_sum = reduction_of(criterion) == "sum"
    if ranks.count == 1:
        sums = _sums(model, criterion, split, task, stopped, flip=flip)
    else:
        sums = _sums_of_ranks(model, criterion, split, task, stopped, ranks, flip=flip)
    values = {"loss": sums.loss if is_sum else sums.loss / len(split)}
    if task != "regression":
        values["accuracy"] = sums.correct / sums.targets
        if flip:
            values["flip_accuracy"] = sums.correct_of_flip / sums.targets
    return values


class _Sums(NamedTuple):
    """Sums over samples: of their losses, and of correct predictions among the targets."""

    loss: float = 0.0
    correct: float = 0
    correct_of_flip: float = 0
    targets: float = 0


def _sums_of_ranks(
    model: nn.Module,
    criterion: nn.Module,
    split: DeviceSplit,
    task: Task,
    stopped: Callable[[], bool],
    ranks: Ranks,
    *,
    flip: bool,
) -> _Sums:
    """The sums over a split of which each rank evaluates a part. Raises EvaluationStopped.

    Before each chunk all ranks learn whether one has stopped. A rank that only learnt it at the end
    would wait for the parts of the others, and would count as stuck.
    """
    part = split.part(ranks.share(len(split)))
    largest = -(-len(split) // ranks.count)  # all ranks take as many chunks, the last may be empty
    sums = _Sums()
    for start in range(0, largest, CHUNK):
        (stops,) = ranks.sum([stopped()])
        if stops:
            raise EvaluationStopped
        chunk = part.part(slice(start, start + CHUNK))
        of_chunk = _sums(model, criterion, chunk, task, lambda: False, flip=flip)
        sums = _Sums(*map(sum, zip(sums, of_chunk, strict=True)))
    return _Sums(*ranks.sum(sums))


def _sums(
    model: nn.Module,
    criterion: nn.Module,
    split: DeviceSplit,
    task: Task,
    stopped: Callable[[], bool],
    *,
    flip: bool,
) -> _Sums:
    """The sums over a split, whatever the memory. Raises EvaluationStopped."""
    if not len(split):  # a rank has none
        return _Sums()
    size = CHUNK
    while True:
        try:
            return _sums_of_chunks(model, criterion, split, task, stopped, size, flip=flip)
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        size //= 2


def _sums_of_chunks(
    model: nn.Module,
    criterion: nn.Module,
    split: DeviceSplit,
    task: Task,
    stopped: Callable[[], bool],
    size: int,
    *,
    flip: bool,
) -> _Sums:
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
    return _Sums(
        torch.stack(losses).cpu().double().sum().item() if others else first.item(),
        torch.stack(corrects).sum().item() if corrects else 0,
        torch.stack(of_flip).sum().item() if of_flip else 0,
        count,
    )


def reduction_of(criterion: nn.Module) -> str:
    """`sum` or `mean`: how the criterion reduces the losses of a batch."""
    return getattr(criterion, "reduction", "mean")
