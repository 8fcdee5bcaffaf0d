"""Runs the steps of a rank: on its share of a batch, with the gradients of all ranks summed."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from tui_app.training.data.device_split import Batch
from tui_app.training.evaluation import reduction_of
from tui_app.training.ranks.gradient_sum import GradientSum
from tui_app.training.state import Training
from tui_app.training.step import clip_gradients, gradients_at_once, step_of
from tui_app.training.step_runner import StepsRun


class SharedSteps:
    """Runs one step at a time, the same on all ranks.

    The gradients of a share are weighted by its part of the batch's samples, so that their sum is
    the gradient of the whole batch: `batch_size` and the lr mean the same for any number of ranks.
    A share without samples runs no forward pass. A batch that doesn't fit the memory isn't split:
    the ranks would have to agree on it in the middle of a step.
    """

    longest = 1

    def __init__(self, training: Training) -> None:
        self._training = training
        self._run_step = step_of(training.optimizer)
        self._sum = GradientSum(training.ranks, training.model.parameters())
        self._is_sum = reduction_of(training.criterion) == "sum"
        self._batches: Iterator[Batch] = iter(())
        self._next = 0

    def begin_epoch(self, epoch: int, start: int) -> None:
        """The next step is that of batch `start` of `epoch`."""
        self._batches = self._training.batches.epoch(epoch, start)
        self._next = start

    def run(self, most: int) -> StepsRun:
        """Run one step."""
        training = self._training
        size = training.batches.size_of(self._next)
        share = training.ranks.share(size)
        samples = share.stop - share.start
        batch = next(self._batches) if samples else None
        factor = 1.0 if self._is_sum else samples / size

        def closure() -> Tensor:
            training.optimizer.zero_grad(set_to_none=True)
            loss = gradients_at_once(training, *batch) if batch is not None else None
            loss = self._sum(loss, factor)
            clip_gradients(training)
            return loss

        loss = self._run_step(closure)
        self._next += 1
        return StepsRun(loss, (size,))

    def close(self) -> None:
        """Do nothing: a step holds nothing between two calls."""
