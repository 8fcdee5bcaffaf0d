"""Remembers how fast a step is with how many threads, for each shape of net on this machine.

A small file for each shape lies in the cache folder. A file that is there is kept: the same command
trains with the same number of threads from then on, and therefore gives the same bits.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch

from datasets.fetching.fetch import cache_dir
from tui_app.runs.files.durable_files import write_json
from tui_app.runs.files.run_files import open_file
from tui_app.training.devices.machine_load import usable_cores, usable_threads
from tui_app.training.devices.thread_timing import ThreadTimes

#: The version of the files, and of the way to measure.
_VERSION = 1

#: A file of ours is much shorter.
_LONGEST_FILE = 1 << 16

#: The variables that say how OpenMP's threads wait for each other.
_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_PROC_BIND")


def remembered(shape: Mapping[str, Any]) -> ThreadTimes | None:
    """The times that were measured for a shape of net on this machine; None if there are none."""
    try:
        with open_file(_file(shape)) as file:
            values = json.loads(file.read(_LONGEST_FILE))
        return _times_of(values)
    except (OSError, ValueError, RecursionError):  # no file, or one that is damaged
        return None


def remember(shape: Mapping[str, Any], times: ThreadTimes, *, replace: bool = False) -> None:
    """Keep the times for this shape, unless there are some that they aren't to `replace`. Where the
    folder can't be written, each run measures.
    """
    if not replace and remembered(shape) is not None:
        return
    path = _file(shape)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"version": _VERSION, "seconds": times.seconds, "shape": shape})


def _times_of(values: Any) -> ThreadTimes:
    """The times in a file. Raises ValueError if it is damaged, or written by another version."""
    if not isinstance(values, dict) or values.get("version") != _VERSION:
        raise ValueError
    seconds = values.get("seconds")
    if not isinstance(seconds, dict) or not all(map(_is_time, seconds.values())):
        raise ValueError
    by_count = {int(count): float(each) for count, each in seconds.items()}
    if 1 not in by_count or not all(1 <= count <= usable_threads() for count in by_count):
        raise ValueError
    return ThreadTimes(by_count)


def _is_time(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < math.inf


def _folder() -> Path:
    return cache_dir() / "threads"


def _file(shape: Mapping[str, Any]) -> Path:
    text = json.dumps({**shape, **_surroundings()}, sort_keys=True)
    return _folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


def _surroundings() -> dict[str, Any]:
    """What the time of a step depends on besides its arithmetic: the library and the machine."""
    return {
        "torch": torch.__version__,
        "processor": _processor(),
        "cores": usable_cores(),
        "threads": usable_threads(),
        **{name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


@cache
def _processor() -> str:
    """The model of the processor as the system calls it."""
    with suppress(OSError, StopIteration):
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as lines:
            line = next(line for line in lines if line.startswith(("model name", "CPU part")))
        return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
