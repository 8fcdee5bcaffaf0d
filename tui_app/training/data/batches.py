"""Makes the batches of an epoch: gathered on the device, or loaded by a DataLoader."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from datasets import Data, Split
from models.user_files.child_processes import without_working_folder
from tui_app.runs.errors import WorkerDied
from tui_app.terminal.signals import leave_signals_to_parent, preserved_handler
from tui_app.training.data.alternation import ALTERNATING, alternation, pick_all, picked
from tui_app.training.data.augmentation import augmented
from tui_app.training.data.device_split import Batch, DeviceSplit, as_tensor, on_device
from tui_app.training.data.sampler import SeededBatchSampler


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
        self._fixed = self._views() if is_fixed else None

    def _views(self) -> list[Batch]:
        """The batches of every epoch, without copying a sample."""
        split = self._sampler.split
        return [*zip(split(self._split.inputs), split(self._split.targets), strict=True)]

    def __len__(self) -> int:
        return len(self._sampler)

    def size_of(self, batch: int) -> int:
        """The samples in a batch of an epoch (from 0), over all ranks."""
        return self._sampler.size_of(batch)

    @property
    def whole(self) -> Batch | None:
        """The one batch of every epoch, all samples in their order; None if there isn't one."""
        if self._fixed is None or len(self._fixed) != 1 or self._augment != "none":
            return None
        return self._fixed[0] if len(self._fixed[0][0]) == len(self._split) else None

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
            yield from self._fixed[start:]
            return
        order = self.begin_epoch(epoch)
        rows, columns = self._alternation(epoch)
        for indices in self._sampler.split(order, start):
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
        self._samples = TensorDataset(as_tensor(split.inputs), as_tensor(split.targets))
        self._loader: DataLoader[tuple[Tensor, ...]] | None = None
        self._loading: Generator[Batch, None, None] | None = None

    def __len__(self) -> int:
        return len(self._sampler)

    def size_of(self, batch: int) -> int:
        """The samples in a batch of an epoch (from 0), over all ranks."""
        return self._sampler.size_of(batch)

    def epoch(self, epoch: int, start: int) -> Iterator[Batch]:
        """The batches of `epoch` (from 0), without the first `start`."""
        self._sampler.epoch, self._sampler.start = epoch, start
        self._loading = self._loaded()
        for inputs, targets in self._loading:
            ready = on_device(inputs, self._data, self._device)
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
                    "a process that loaded data for training died (killed, or out of memory)"
                ) from error
            if batch is None:
                return
            yield batch
