"""Orders the samples: a function of seed and epoch, so that a run resumes at any batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

#: From one epoch's seed to the next. An odd number near 2**64 / golden ratio: neighbouring (seed,
#: epoch) pairs land far apart.
SEED_STRIDE = 0x9E3779B97F4A7C15


def epoch_generator(seed: int, epoch: int) -> torch.Generator:
    """A generator whose seed depends on `seed` and `epoch` alone; negative epochs are free for
    other purposes than the order of the samples.
    """
    return torch.Generator().manual_seed((seed + (epoch + 1) * SEED_STRIDE) % 2**63)


class SeededBatchSampler:
    """Yields an epoch's batches as lists of indices; a DataLoader takes it as `batch_sampler`.

    Set `epoch` (from 0) and `start` (the batches to skip) before iterating. `share` is the part of
    so many samples that a rank has, if several train; a rank without a part of a batch skips it.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        *,
        shuffle: bool,
        seed: int,
        drop_last: bool = False,
        share: Callable[[int], slice] | None = None,
    ) -> None:
        self.size = size
        self.batch_size = min(batch_size, size)
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self._share = share
        self.epoch = 0
        self.start = 0

    def __len__(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(self.size, self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def order(self, epoch: int) -> Tensor:
        """The indices of the samples in the order of `epoch`: (size,) int64."""
        if not self.shuffle:
            return torch.arange(self.size)
        return torch.randperm(self.size, generator=epoch_generator(self.seed, epoch))

    def size_of(self, batch: int) -> int:
        """The number of samples in a batch of an epoch (from 0), over all ranks."""
        return min(self.batch_size, self.size - batch * self.batch_size)

    def split(self, samples: Tensor, start: int = 0) -> Sequence[Tensor]:
        """The batches of an epoch, from batch `start` on, of `samples` in their order: (size, ...).

        Of a rank, its share of each that it has one of.
        """
        batches = samples.split(self.batch_size)[start : len(self)]
        if self._share is None:
            return batches
        shares = (batch[self._share(len(batch))] for batch in batches)
        return [share for share in shares if len(share)]

    def __iter__(self) -> Iterator[list[int]]:
        """The batches of `epoch` from `start` on."""
        for batch in self.split(self.order(self.epoch), self.start):
            yield batch.tolist()
