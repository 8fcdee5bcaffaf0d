"""Arrays that may be too large for memory: then they lie in a file of the cache, made once.

Such an array is mapped: the system reads the parts that training asks for, as it goes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from datasets.disk import cache_dir

IN_MEMORY = 2**30
"""Bytes up to which a data set of one's own is held in memory."""


def filled(
    shape: tuple[int, ...],
    dtype: DTypeLike,
    fill: Callable[[np.ndarray], None],
    sources: Sequence[Path],
    part: str,
) -> np.ndarray:
    """An array that `fill` has filled: in memory, or mapped when it is larger than `IN_MEMORY`.

    A mapped one is made once for the same `sources`, unchanged, and `part` of them.
    """
    if np.prod(shape) * np.dtype(dtype).itemsize <= IN_MEMORY:
        array = np.empty(shape, dtype)
        fill(array)
        return array
    stats = [
        (str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in sources
    ]
    key = hashlib.sha256(repr((shape, str(dtype), stats, part)).encode()).hexdigest()[:16]
    kept = cache_dir() / "own" / f"{key}.npy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_name(f"{key}.{os.getpid()}.part")
        try:
            array = np.lib.format.open_memmap(unfinished, "w+", dtype, shape)
            fill(array)
            array.flush()
            unfinished.replace(kept)
        finally:
            unfinished.unlink(missing_ok=True)
    return np.load(kept, mmap_mode="r")
