"""The archives of CIFAR-10: read in memory, nothing unpacked to disk and no pickle executed."""

from __future__ import annotations

import io
import pickle
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from datasets.dataset import DataDamaged

# What a pickled array consists of; `numpy.core` became `numpy._core` in numpy 2.
_OF_ARRAYS = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


def read_members(path: Path) -> dict[str, bytes]:
    """The contents of the files in a .tar.gz, by the last part of their names.

    Raises DataDamaged, naming the archive.
    """
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                opened = archive.extractfile(member) if member.isfile() else None
                if opened is not None:
                    contents[PurePosixPath(member.name).name] = opened.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataDamaged(f"{path} can't be unpacked: {error}. Fetch it again.") from error
    return contents


def read_binary_batch(content: bytes, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, pixels) uint8 and labels (N,) int64 from rows of a label and its pixels.

    Raises ValueError.
    """
    if not content or len(content) % (1 + pixels):
        raise ValueError(f"has {len(content)} bytes, no whole number of images")
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + pixels)
    return rows[:, 1:].copy(), rows[:, 0].astype(np.int64)


def read_pickled_batch(content: bytes, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, pixels) uint8 and labels (N,) int64 from a pickled dict of `data` and `labels`.

    Raises ValueError, also for a pickle that asks for anything but arrays.
    """
    try:
        batch = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
        _, shape, _, by_column, raw = batch[b"data"].state
        labels = np.array(batch[b"labels"], np.int64)
        images = np.frombuffer(raw, np.uint8).reshape(shape, order="F" if by_column else "C")
    except pickle.UnpicklingError as error:
        raise ValueError(str(error)) from error
    except (EOFError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise ValueError("is no pickle of images and labels") from error
    if images.shape[1:] != (pixels,) or labels.ndim != 1:
        raise ValueError("is no pickle of images and labels")
    return images.copy(), labels


class _Stored:
    """Stands for an array or its type in a pickle: keeps what it is told and does nothing."""

    def __init__(self, *_: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _ArraysOnly(pickle.Unpickler):
    """Takes dicts, lists, numbers and bytes, and arrays as `_Stored`; calls nothing else."""

    def find_class(self, module: str, name: str) -> type[_Stored]:
        if (module, name) not in _OF_ARRAYS:
            raise pickle.UnpicklingError(f"asks for {module}.{name}, which isn't data")
        return _Stored
