"""Samples on the training device, and the batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from datasets import Data, Split
from tui_app.training.posix import leave_signals_to_parent
from tui_app.training.sampler import SeededBatchSampler

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class ResidentSplit:
    """A split on the training device: inputs (N, *input_shape), targets (N, ...)."""

    inputs: Tensor
    targets: Tensor

    @classmethod
    def of(cls, split: Split, data: Data, device: torch.device) -> ResidentSplit:
        """Bring `split` to `device`; images travel as uint8 and are normalised there, once."""
        inputs = torch.from_numpy(np.ascontiguousarray(split.inputs)).to(device)
        if inputs.dtype == torch.uint8:
            inputs = normalised(inputs, data)
        return cls(inputs, torch.from_numpy(np.ascontiguousarray(split.targets)).to(device))

    def __len__(self) -> int:
        return len(self.inputs)

    def chunks(self, size: int) -> Iterator[Batch]:
        """All samples in their order, `size` at a time, without copying them."""
        return zip(self.inputs.split(size), self.targets.split(size), strict=True)


def normalised(images: Tensor, data: Data) -> Tensor:
    """uint8 images (N, C, H, W) as float32: divided by 255, less the mean, over the deviation."""
    shape = (-1, 1, 1)
    mean = torch.tensor(data.mean, device=images.device).reshape(shape)
    std = torch.tensor(data.std, device=images.device).reshape(shape)
    return images.float().div_(255).sub_(mean).div_(std)


class ResidentBatches:
    """The batches of each epoch, gathered on the device from a resident train set."""

    def __init__(self, split: ResidentSplit, sampler: SeededBatchSampler) -> None:
        self._split = split
        self._sampler = sampler
        self.batch_size = sampler.batch_size
        # Without shuffling every epoch has the same batches: views, made once.
        self._fixed = None if sampler.shuffle else list(split.chunks(sampler.batch_size))

    def __len__(self) -> int:
        return len(self._sampler)

    def epoch(self, epoch: int, start: int) -> Iterator[Batch]:
        """The batches of `epoch` (from 0), without the first `start`."""
        if self._fixed is not None:
            yield from self._fixed[start : len(self)]
            return
        order = self._sampler.order(epoch).to(self._split.inputs.device)
        for indices in order.split(self._sampler.batch_size)[start : len(self)]:
            yield self._split.inputs[indices], self._split.targets[indices]


class LoaderBatches:
    """The batches of each epoch from a real DataLoader, brought to the device one by one.

    `workers` processes fetch them beside training, or training itself with 0.
    """

    def __init__(
        self,
        split: Split,
        data: Data,
        sampler: SeededBatchSampler,
        device: torch.device,
        workers: int,
    ) -> None:
        self._data = data
        self._sampler = sampler
        self.batch_size = sampler.batch_size
        self._device = device
        self._loader = DataLoader(
            TensorDataset(torch.from_numpy(split.inputs), torch.from_numpy(split.targets)),
            batch_sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=device.type == "cuda",
            worker_init_fn=leave_signals_to_parent,
            # Its own: a resumed epoch must draw no more from the global one than a whole one.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self._sampler)

    def epoch(self, epoch: int, start: int) -> Iterator[Batch]:
        """The batches of `epoch` (from 0), without the first `start`."""
        self._sampler.epoch, self._sampler.start = epoch, start
        for inputs, targets in self._loader:
            there = inputs.to(self._device, non_blocking=True)
            if there.dtype == torch.uint8:
                there = normalised(there, self._data)
            yield there, targets.to(self._device, non_blocking=True)
