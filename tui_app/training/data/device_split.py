"""Brings a split to the training device: as a whole if it is small, else batch by batch."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from datasets import Data, Split
from datasets.reading.progress import NO_REPORTS, ProgressReporter

Batch = tuple[Tensor, Tensor]

#: Most bytes of a split, as float32, that is kept on the device as a whole.
_RESIDENT_LIMIT = 4 << 30


@dataclass(frozen=True)
class DeviceSplit:
    """A split for training: inputs (N, *input_shape), targets (N, ...).

    A small split is kept on the device, normalised. A large one stays in memory or mapped from the
    disk, and each batch is copied to the device, images as uint8.
    """

    inputs: Tensor
    targets: Tensor
    data: Data
    device: torch.device

    @classmethod
    def of(
        cls, split: Split, data: Data, device: torch.device, reporter: ProgressReporter = NO_REPORTS
    ) -> DeviceSplit:
        """Move `split` to `device` if it is small enough."""
        inputs, targets = as_tensor(split.inputs), as_tensor(split.targets)
        is_small = 4 * inputs.numel() <= _resident_limit(device)
        if is_small and not isinstance(split.inputs, np.memmap):
            inputs = _all_ready(inputs, data, device, reporter)
        return cls(inputs, targets.to(device), data, device)

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def is_resident(self) -> bool:
        """Whether all inputs are on the device and normalised."""
        is_there = self.inputs.device.type == self.device.type
        return is_there and self.inputs.dtype not in _PIXELS

    def chunks(self, size: int) -> Iterator[Batch]:
        """All samples in order, `size` at a time."""
        for inputs, targets in zip(self.inputs.split(size), self.targets.split(size), strict=True):
            yield on_device(inputs, self.data, self.device), targets

    def part(self, rows: slice) -> DeviceSplit:
        """These samples alone, without copying them."""
        return replace(self, inputs=self.inputs[rows], targets=self.targets[rows])

    def gather(self, indices: Tensor) -> Batch:
        """The samples with these indices, which are on the same device as the inputs."""
        inputs = on_device(self.inputs.index_select(0, indices), self.data, self.device)
        return inputs, self.targets[indices.to(self.device)]


def _resident_limit(device: torch.device) -> int:
    """The limit in bytes: on a GPU at most a quarter of its free memory."""
    if device.type != "cuda":
        return _RESIDENT_LIMIT
    return min(_RESIDENT_LIMIT, torch.cuda.mem_get_info(device)[0] // 4)


def as_tensor(array: np.ndarray) -> Tensor:
    """The array as a tensor of the same memory, where that is possible."""
    if array.dtype == np.uint16:
        # torch can't gather uint16: the same bits as int16, which _normalised knows.
        array = array.view(np.int16)
    with warnings.catch_warnings():
        # The tensor of a file that is mapped read-only can't be written, and isn't.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def on_device(inputs: Tensor, data: Data, device: torch.device) -> Tensor:
    """Inputs on the device, normalised unless they are already."""
    moved = inputs.to(device, non_blocking=True)
    return _normalised(moved, data) if moved.dtype in _PIXELS else moved


def _all_ready(
    inputs: Tensor, data: Data, device: torch.device, reporter: ProgressReporter
) -> Tensor:
    """All inputs of a split on the device: many images in pieces, so that a stop comes through."""
    if inputs.dtype not in _PIXELS or inputs.numel() <= _PIECE:
        return on_device(inputs, data, device)
    ready = torch.empty(inputs.shape, device=device)
    rows = max(1, _PIECE // inputs[0].numel())
    for piece in reporter.chunks(len(inputs), rows, "the pixels", action="scaling"):
        ready[piece] = on_device(inputs[piece], data, device)
    return ready


#: Pixels that are scaled at once, in about a tenth of a second.
_PIECE = 1 << 26

_PIXELS = (torch.uint8, torch.int16)
"""The types of images before they are normalised; int16 holds the bits of uint16."""


def ready_sample(encoded: np.ndarray, data: Data, device: torch.device) -> Tensor:
    """An input from `data.encode` as a batch of one, (1, *input_shape), normalised."""
    return on_device(as_tensor(encoded[np.newaxis]), data, device)


def _normalised(images: Tensor, data: Data) -> Tensor:
    """Images (N, C, H, W) as float32 from 0 to 1, less the mean, divided by the std."""
    mean = _per_channel(data.mean, images.device)
    shares = images.float().div_(255) if images.dtype == torch.uint8 else _shares_of_16_bits(images)
    return shares.sub_(mean).div_(_per_channel(data.std, images.device))


def _shares_of_16_bits(images: Tensor) -> Tensor:
    return images.int().bitwise_and_(0xFFFF).float().div_(0xFFFF)


@functools.cache
def _per_channel(values: float | tuple[float, ...], device: torch.device) -> Tensor:
    """(C, 1, 1), or (1, 1, 1). Cached, since a copy to the GPU waits for what it computes."""
    return torch.tensor(values, device=device).reshape(-1, 1, 1)
