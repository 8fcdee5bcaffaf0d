"""Brings batches to where a recorded graph reads them: a replay always reads the same memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from tui_app.training.data.batch_source import Batches
from tui_app.training.data.batches import GatheredBatches
from tui_app.training.data.device_split import Batch
from tui_app.training.state import Training

#: Most bytes of the inputs that one graph gathers at once.
_MOST_BYTES = 32 << 20


class GraphInputs(Protocol):
    """The batches of an epoch in order: some for plain steps, the others for a graph."""

    most: int
    """The most batches that one graph can have."""

    def begin_epoch(self, epoch: int, start: int) -> None:
        """The next batch is batch `start` of `epoch`."""
        ...

    def draw(self) -> Batch:
        """The next batch, for a plain step."""
        ...

    def rehearse(self, count: int) -> None:
        """Do what `batches` does, except drawing random numbers: it loads the kernels."""
        ...

    def fill(self, count: int) -> None:
        """Let the graphs' memory hold the next `count` batches, for a replay."""
        ...

    def batches(self, count: int) -> Iterator[Batch]:
        """The `count` batches that are in the graphs' memory. To be recorded with the steps."""
        ...


def graph_inputs(training: Training, most: int) -> GraphInputs:
    """The run's batches, at most `most` in a graph: gathered within the graph if the train set is
    on the device.
    """
    batches = training.batches
    if isinstance(batches, GatheredBatches) and batches.is_resident:
        return GatheredInputs(batches, torch.device(training.device.name), most)
    return CopiedInputs(batches)


class GatheredInputs:
    """Copies the indices of samples: the graph itself gathers them, and augments images.

    Augmentation draws its random numbers batch by batch, as without a graph.
    """

    def __init__(self, batches: GatheredBatches, device: torch.device, most: int) -> None:
        self._batches = batches
        self._size = batches.batch_size
        self.most = max(1, min(most, _MOST_BYTES // batches.bytes_per_batch))
        self._order = torch.empty(0)
        self._next = 0
        self._indices = torch.zeros(self.most * self._size, dtype=torch.int64, device=device)

    def begin_epoch(self, epoch: int, start: int) -> None:
        """The next batch is batch `start` of `epoch`."""
        self._order = self._batches.begin_epoch(epoch)
        self._next = start * self._size

    def draw(self) -> Batch:
        """The next batch, for a plain step."""
        inputs, targets = self._batches.gather(self._take(1))
        return self._batches.augment(inputs), targets

    def rehearse(self, count: int) -> None:
        """Gather `count` batches."""
        self._batches.gather(self._indices[: count * self._size])

    def fill(self, count: int) -> None:
        """Copy the next indices."""
        self._indices[: count * self._size].copy_(self._take(count))

    def batches(self, count: int) -> Iterator[Batch]:
        """The batches of the indices, gathered all at once."""
        inputs, targets = self._batches.gather(self._indices[: count * self._size])
        for some, of_some in zip(inputs.split(self._size), targets.split(self._size), strict=True):
            yield self._batches.augment(some), of_some

    def _take(self, count: int) -> Tensor:
        start, self._next = self._next, self._next + count * self._size
        return self._order[start : self._next]


class CopiedInputs:
    """Copies each batch as it is: for a train set that doesn't fit the device."""

    most = 1

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._left: Iterator[Batch] = iter(())
        self._inputs = self._targets = torch.empty(0)

    def begin_epoch(self, epoch: int, start: int) -> None:
        """The next batch is batch `start` of `epoch`."""
        self._left = self._batches.epoch(epoch, start)

    def draw(self) -> Batch:
        """The next batch, for a plain step."""
        inputs, targets = next(self._left)
        if len(inputs) == self._batches.batch_size and not len(self._inputs):
            self._inputs, self._targets = torch.empty_like(inputs), torch.empty_like(targets)
        return inputs, targets

    def rehearse(self, count: int) -> None:
        """Do nothing: the graph reads its memory as it is."""

    def fill(self, count: int) -> None:
        """Copy the next batch."""
        inputs, targets = next(self._left)
        self._inputs.copy_(inputs)
        self._targets.copy_(targets)

    def batches(self, count: int) -> Iterator[Batch]:
        """The batch that was copied."""
        yield self._inputs, self._targets
