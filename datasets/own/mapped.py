"""Fills arrays in memory, or in a memory-mapped file of the cache when they are too large.

The system reads a mapped array's pages from disk when training uses them. The file is allocated in
full before it is written: if the disk became full while a mapped page is written, SIGBUS would end
the program.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from datasets.dataset import DataUnavailable
from datasets.fetching.disk import cache_dir, free_space_note
from datasets.reading.progress import NO_REPORTS, ProgressReporter

IN_MEMORY = 2**30
"""The largest size in bytes of an array that is held in memory."""

_BLOCK = 1 << 22


def filled_array(
    shape: tuple[int, ...],
    dtype: DTypeLike,
    fill: Callable[[np.ndarray], None],
    sources: Sequence[Path],
    part: str,
    reporter: ProgressReporter = NO_REPORTS,
) -> np.ndarray:
    """An array that `fill` has filled: in memory, or mapped when it is larger than `IN_MEMORY`.

    A mapped array is reused for the same `part` of the same unchanged `sources`. Raises
    DataUnavailable when the cache has no space for it, and then leaves no file behind.
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
        _make(kept, shape, dtype, fill, reporter)
    return np.load(kept, mmap_mode="r")


def _make(
    kept: Path,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    fill: Callable[[np.ndarray], None],
    reporter: ProgressReporter,
) -> None:
    # A name for each attempt: two threads of one program may write the same array at once.
    attempt = f"{kept.stem}-{secrets.token_hex(4)}"
    unfinished = kept.with_name(f"{attempt}.{_host()}.{os.getpid()}.part")
    try:
        with _disk_errors_explained(kept.parent, 0):
            kept.parent.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(kept.parent)
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        with _disk_errors_explained(kept.parent, size):
            array = np.lib.format.open_memmap(unfinished, "w+", dtype, shape)
            _reserve(unfinished, array.offset, reporter)
        fill(array)
        with _disk_errors_explained(kept.parent, size):
            array.flush()
            unfinished.replace(kept)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _reserve(path: Path, begun: int, reporter: ProgressReporter) -> None:
    """Allocate the disk space of a file that is empty beyond its first `begun` bytes.

    Raises OSError, and LoadingStopped.
    """
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
                return
            except OSError as error:
                if error.errno not in _NOT_OFFERED:
                    raise
        file.seek(begun)
        for done in range(begun, size, _BLOCK):
            reporter.advance(done, size, "disk space", action="reserving", unit="bytes")
            file.write(bytes(min(_BLOCK, size - done)))
        file.flush()
        os.fsync(file.fileno())


_NOT_OFFERED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


@contextlib.contextmanager
def _disk_errors_explained(folder: Path, size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataUnavailable(
            f"the data are too large for memory, and can't be written to {folder} "
            f"({error.strerror or error}{free_space_note(folder, size)}). Free some space there, "
            "or name another folder with TUTORCH_CACHE_DIR."
        ) from error


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "-", socket.gethostname())


def _remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files of this machine's processes that no longer run."""
    for path in folder.glob(f"*.{_host()}.*.part"):
        pid = path.suffixes[-2].removeprefix(".")
        if pid.isdigit() and not _is_alive(int(pid)):
            path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # os.kill would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
