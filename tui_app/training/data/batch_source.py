"""Says what a run draws its batches from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tui_app.training.data.device_split import Batch


class Batches(Protocol):
    """The source of an epoch's batches; `batch_size` is the number of samples in a full one."""

    batch_size: int

    def __len__(self) -> int: ...

    def size_of(self, batch: int) -> int:
        """The number of samples in a batch of an epoch (from 0), over all ranks."""
        ...

    def epoch(self, epoch: int, start: int) -> Iterator[Batch]:
        """The batches of `epoch` (from 0) on the training device, without the first `start`.

        A rank gets its share of each, and none where its share is empty.
        """
        ...

    def close(self) -> None:
        """End the processes that load batches."""
        ...
