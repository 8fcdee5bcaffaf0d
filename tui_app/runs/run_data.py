"""Records a run's data in data.json, so that its model can predict without the data set.

It isn't part of run.json, which every list of runs reads: a table of 200 000 columns makes it
large.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from datasets import Data, DataSpec, Split
from datasets.dataset import Encoder, Task
from datasets.own.columns import listed
from datasets.reading.encoder_records import StoredEncoder, encoder_from_record, encoder_record
from datasets.reading.plain_records import WrongRecord, from_plain, to_plain
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from tui_app.runs.errors import DamagedRun
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.files.run_files import is_there
from tui_app.runs.run_folder import RunFolder, read_json
from tui_app.runs.run_record import RunRecord

#: A data.json larger than this was not written by tutorch.
_LARGEST = 256 << 20

#: The most numbers of one sample.
_LARGEST_SAMPLE = 10**8

_DTYPES = ("uint8", "uint16", "float32", "int64")


@dataclass(frozen=True)
class DataRecord:
    """What data.json says of a run's data.

    `dtype` is that of the inputs, `sizes` the numbers of samples of the splits. `encoder` is None
    for a data set whose encoder can't be recorded.
    """

    dataset: str
    fingerprint: str
    input_shape: tuple[int, ...]
    task: str
    classes: tuple[str, ...]
    vocabulary: tuple[str, ...]
    dtype: str
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...]
    sizes: tuple[int, ...]
    input_help: str
    encoder: Encoder | None

    @property
    def plain(self) -> dict[str, Any]:
        """All of it as in data.json."""
        fields = {name: to_plain(getattr(self, name)) for name in _PLAIN}
        return {**fields, "encoder": self.encoder and encoder_record(self.encoder)}

    @property
    def spec(self) -> DataSpec:
        """The specification that the model was built for."""
        task: Task = next(task for task in get_args(Task) if task == self.task)
        return DataSpec(self.input_shape, task, self.classes, self.vocabulary)

    def as_data(self, encoder: Encoder) -> Data:
        """The data set without samples: enough to build the model and to predict."""
        inputs = np.empty((0, *self.input_shape), self.dtype)
        nothing = Split(inputs, np.empty((0, 1), np.float32))
        return Data(
            self.spec, nothing, None, encoder, self.input_help, mean=self.mean, std=self.std
        )


#: The fields of DataRecord that `plain_records` reads and writes.
_PLAIN: dict[str, Any] = {
    "dataset": str,
    "fingerprint": str,
    "input_shape": tuple[int, ...],
    "task": str,
    "classes": tuple[str, ...],
    "vocabulary": tuple[str, ...],
    "dtype": str,
    "mean": float | tuple[float, ...],
    "std": float | tuple[float, ...],
    "sizes": tuple[int, ...],
    "input_help": str,
}


def write_data_record(folder: RunFolder, record: RunRecord, data: Data) -> None:
    """Write data.json, unless the run has one. Raises OSError."""
    if is_there(folder.data_json):
        return
    kept = DataRecord(
        dataset=record.dataset,
        fingerprint=record.data_fingerprint,
        input_shape=data.spec.input_shape,
        task=data.spec.task,
        classes=data.spec.classes,
        vocabulary=data.spec.vocabulary,
        dtype=data.train.inputs.dtype.name,
        mean=data.mean,
        std=data.std,
        sizes=tuple(len(split) for split in (data.train, data.test) if split is not None),
        input_help=data.input_help,
        encoder=data.encode,
    )
    write_json(folder.data_json, kept.plain, indent=None)


def read_data_record(folder: RunFolder) -> DataRecord | None:
    """Read data.json; None for a run of an earlier version. Raises DamagedRun."""
    if not is_there(folder.data_json):
        return None
    with _without_garbage_collection():
        return _kept_data(folder, read_json(folder.data_json, _LARGEST))


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Create millions of objects without garbage collections, which would take nine tenths of the
    time for a table of 200 000 columns.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _kept_data(folder: RunFolder, record: dict[str, Any]) -> DataRecord:
    try:
        if set(record) != {*_PLAIN, "encoder"}:
            raise WrongRecord("it has other fields than a run's data")
        values = {name: from_plain(hint, record[name], name) for name, hint in _PLAIN.items()}
        encoder = record["encoder"] and encoder_from_record(record["encoder"])
        kept = DataRecord(**values, encoder=encoder or None)
        _refuse_invalid(kept)
        if encoder:
            _refuse_other_samples(kept, encoder)
    except (WrongRecord, ValueError) as error:
        raise DamagedRun(f"{folder.data_json} doesn't describe a run's data: {error}") from error
    return kept


def _refuse_invalid(kept: DataRecord) -> None:
    if kept.task not in get_args(Task) or kept.dtype not in _DTYPES:
        raise WrongRecord("its task or type of inputs doesn't exist")
    if min(kept.input_shape, default=0) < 1 or math.prod(kept.input_shape) > _LARGEST_SAMPLE:
        raise WrongRecord("its shape can't be that of a sample")
    classes = len(kept.classes)
    if not {"regression": classes == 0, "binary": classes == 2}.get(kept.task, classes >= 2):
        raise WrongRecord("its classes don't suit its task")
    for numbers in (kept.mean, kept.std):
        if isinstance(numbers, tuple) and len(numbers) != kept.input_shape[0]:
            raise WrongRecord("its mean or std isn't one number, or one for each channel")
    if not np.all(np.asarray(kept.std) > 0):
        raise WrongRecord("its std isn't above 0")


def _refuse_other_samples(kept: DataRecord, encoder: StoredEncoder) -> None:
    """Raise WrongRecord for an encoder whose samples don't fit the model."""
    if encoder.shape != kept.input_shape or np.dtype(encoder.dtype) != np.dtype(kept.dtype):
        raise WrongRecord("its encoder's samples don't fit the model")


def reread_data(
    folder: RunFolder,
    read: Callable[[], Data],
    reporter: ProgressReporter = NO_REPORTS,
) -> tuple[Data, str]:
    """Read the data of a run again with `read`, and check them as `check_data` does.

    Raises DamagedRun for other data than the run was trained with, and what `read` raises.
    """
    data = read()
    return check_data(folder, folder.read_record(), data, data.fingerprint(reporter))


def check_data(
    folder: RunFolder, record: RunRecord, data: Data, fingerprint: str
) -> tuple[Data, str]:
    """Check that a run was trained with `data`. Returns them with the recorded names of the
    classes, and a sentence if the names have changed since.

    Raises DamagedRun for other data than the run was trained with.
    """
    dataset = record.dataset
    if fingerprint != record.data_fingerprint:
        raise DamagedRun(
            f"the data set {dataset} differs from the one that {folder.name} was trained with: "
            "restore its files, or train a new run with them as they are"
        )
    kept = read_data_record(folder)
    if kept is None or kept.spec == data.spec:
        return data, ""
    has_as_many = len(kept.classes) == len(data.spec.classes)
    if not has_as_many or replace(kept.spec, classes=data.spec.classes) != data.spec:
        raise DamagedRun(f"{folder.data_json} doesn't describe the data of the run: it is damaged")
    return replace(data, spec=kept.spec), (
        f"the classes of {dataset} are called {listed(data.spec.classes)} now: the run's names "
        f"are used, {listed(kept.classes)}"
    )
