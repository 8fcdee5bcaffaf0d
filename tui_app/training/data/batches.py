"""Brings samples to the training device, and makes the batches of an epoch from them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from datasets import Data, Split
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from models.user_files.child_processes import without_working_folder
from tui_app.runs.errors import WorkerDied
from tui_app.terminal.signals import leave_signals_to_parent, preserved_handler
from tui_app.training.data.alternation import ALTERNATING, alternation, pick_all, picked
from tui_app.training.data.augmentation import augmented
from tui_app.training.data.sampler import SeededBatchSampler

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
        inputs, targets = _as_tensor(split.inputs), _as_tensor(split.targets)
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
            yield _ready(inputs, self.data, self.device), targets

    def gather(self, indices: Tensor) -> Batch:
        """The samples with these indices, which are on the same device as the inputs."""
        inputs = _ready(self.inputs.index_select(0, indices), self.data, self.device)
        return inputs, self.targets[indices.to(self.device)]


def _resident_limit(device: torch.device) -> int:
    """The limit in bytes: on a GPU at most a quarter of its free memory."""
    if device.type != "cuda":
        return _RESIDENT_LIMIT
    return min(_RESIDENT_LIMIT, torch.cuda.mem_get_info(device)[0] // 4)


def _as_tensor(array: np.ndarray) -> Tensor:
    if array.dtype == np.uint16:
        # torch can't gather uint16: the same bits as int16, which _normalised knows.
        array = array.view(np.int16)
    with warnings.catch_warnings():
        # The tensor of a file that is mapped read-only can't be written, and isn't.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


def _ready(inputs: Tensor, data: Data, device: torch.device) -> Tensor:
    """Inputs on the device, normalised unless they are already."""
    moved = inputs.to(device, non_blocking=True)
    return _normalised(moved, data) if moved.dtype in _PIXELS else moved


def _all_ready(
    inputs: Tensor, data: Data, device: torch.device, reporter: ProgressReporter
) -> Tensor:
    """All inputs of a split, as `_ready`: many images in pieces, so that a stop comes through."""
    if inputs.dtype not in _PIXELS or inputs.numel() <= _PIECE:
        return _ready(inputs, data, device)
    ready = torch.empty(inputs.shape, device=device)
    rows = max(1, _PIECE // inputs[0].numel())
    for piece in reporter.chunks(len(inputs), rows, "the pixels", action="scaling"):
        ready[piece] = _ready(inputs[piece], data, device)
    return ready


#: Pixels that are scaled at once, in about a tenth of a second.
_PIECE = 1 << 26

_PIXELS = (torch.uint8, torch.int16)
"""The types of images before they are normalised; int16 holds the bits of uint16."""


def ready_sample(encoded: np.ndarray, data: Data, device: torch.device) -> Tensor:
    """An input from `data.encode` as a batch of one, (1, *input_shape), normalised."""
    return _ready(_as_tensor(encoded[np.newaxis]), data, device)


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


class GatheredBatches:
    """Gathers the batches of each epoch from the train set, without a DataLoader."""

    def __init__(
        self, split: DeviceSplit, sampler: SeededBatchSampler, augment: str = "none"
    ) -> None:
        self._original = self._split = split
        self._augment = augment
        self._sampler = sampler
        self.batch_size = sampler.batch_size
        self.is_resident = split.is_resident
        self._is_varied_as_whole = augment == ALTERNATING and split.is_resident
        if self._is_varied_as_whole:
            self._split = replace(split, inputs=torch.empty_like(split.inputs))
        # Without shuffling all epochs of a resident split have the same batches: views, made once.
        is_fixed = split.is_resident and not sampler.shuffle
        self._fixed = list(self._split.chunks(sampler.batch_size)) if is_fixed else None

    def __len__(self) -> int:
        return len(self._sampler)

    @property
    def whole(self) -> Batch | None:
        """The one batch of every epoch, all samples in their order; None if there isn't one."""
        if self._fixed is None or len(self._fixed) != 1 or self._augment != "none":
            return None
        return self._fixed[0]

    @property
    def bytes_per_batch(self) -> int:
        """The bytes of a full batch's inputs, as they are kept."""
        inputs = self._split.inputs
        return self.batch_size * inputs[0].numel() * inputs.element_size()

    def epoch(self, epoch: int, start: int) -> Iterator[Batch]:
        """The batches of `epoch` (from 0), without the first `start`."""
        for inputs, targets in self._unaugmented(epoch, start):
            yield self.augment(inputs), targets

    def _unaugmented(self, epoch: int, start: int) -> Iterator[Batch]:
        if self._fixed is not None:
            if self._is_varied_as_whole:
                self.begin_epoch(epoch)
            yield from self._fixed[start : len(self)]
            return
        order = self.begin_epoch(epoch)
        rows, columns = self._alternation(epoch)
        for indices in order.split(self._sampler.batch_size)[start : len(self)]:
            inputs, targets = self.gather(indices)
            if len(rows) and not self._is_varied_as_whole:
                inputs = picked(inputs, rows[indices], columns[indices])
            yield inputs, targets

    # For a graph, in which a batch is gathered and augmented.

    def begin_epoch(self, epoch: int) -> Tensor:
        """The indices of the samples in the order of `epoch`, where the inputs are: (size,).

        If the run varies the images once an epoch, they are varied here.
        """
        if self._is_varied_as_whole:
            pick_all(self._original.inputs, *self._alternation(epoch), self._split.inputs)
        return self._sampler.order(epoch).to(self._split.inputs.device, non_blocking=True)

    def gather(self, indices: Tensor) -> Batch:
        """The samples with these indices, not augmented."""
        return self._split.gather(indices)

    def augment(self, inputs: Tensor) -> Tensor:
        """The inputs of a batch, varied at random if the run augments them."""
        return augmented(inputs, self._augment)

    def _alternation(self, epoch: int) -> tuple[Tensor, Tensor]:
        """The rows and columns that the images show in `epoch`; empty if they show their own."""
        if self._augment != ALTERNATING:
            return torch.empty(0), torch.empty(0)
        return alternation(self._split.inputs.shape, epoch, self._sampler.seed)

    def close(self) -> None:
        """Do nothing: there are only tensors."""


class LoaderBatches:
    """Loads the batches of each epoch with a DataLoader, and moves them to the device.

    They are loaded by `workers` processes; with 0, in the thread that trains.
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
        self._workers = workers
        self._samples = TensorDataset(_as_tensor(split.inputs), _as_tensor(split.targets))
        self._loader: DataLoader[tuple[Tensor, ...]] | None = None
        self._loading: Generator[Batch, None, None] | None = None

    def __len__(self) -> int:
        return len(self._sampler)

    def epoch(self, epoch: int, start: int) -> Iterator[Batch]:
        """The batches of `epoch` (from 0), without the first `start`."""
        self._sampler.epoch, self._sampler.start = epoch, start
        self._loading = self._loaded()
        for inputs, targets in self._loading:
            ready = _ready(inputs, self._data, self._device)
            yield ready, targets.to(self._device, non_blocking=True)

    def close(self) -> None:
        """End the workers; another epoch would start new ones.

        Workers that another run forks later would inherit this run's, and warn about children that
        aren't theirs.
        """
        if self._loading is not None:
            self._loading.close()  # an unfinished epoch holds the workers too
        self._loader = self._loading = None

    def _make_loader(self) -> DataLoader[tuple[Tensor, ...]]:
        return DataLoader(
            self._samples,
            batch_sampler=self._sampler,
            num_workers=self._workers,
            persistent_workers=self._workers > 0,
            pin_memory=self._device.type == "cuda",
            worker_init_fn=leave_signals_to_parent,
            # A resumed epoch must draw as many numbers from the global generator as a whole one.
            generator=torch.Generator(),
        )

    def _loaded(self) -> Generator[Batch, None, None]:
        """The DataLoader's batches. Raises WorkerDied."""
        self._loader = self._loader or self._make_loader()
        # torch would raise an error for a dead worker in the middle of a step.
        with preserved_handler("SIGCHLD"), without_working_folder():
            batches = iter(self._loader)
        while True:
            try:
                batch = next(batches, None)
            except (RuntimeError, OSError, EOFError) as error:
                # A worker that dies while it sends a batch leaves a broken connection.
                is_broken = self._workers and not isinstance(error, RuntimeError)
                if not is_broken and "DataLoader worker" not in str(error):
                    raise
                raise WorkerDied(
                    "a process that loaded data for training died (killed, or out of memory). "
                    "The run is saved, and can be resumed"
                ) from error
            if batch is None:
                return
            yield batch
