"""Arrays too large for memory are kept in the cache: when it is full, and after a kill."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets import DataUnavailable
from datasets.own import mapped
from datasets.own.mapped import filled_array
from datasets.reading.progress import LoadingStopped, ProgressReporter


@pytest.fixture
def own(tmp_path, monkeypatch) -> Path:
    """The folder of such arrays; here even small ones are kept in it."""
    monkeypatch.setattr(mapped, "IN_MEMORY", 0)
    return tmp_path / "cache" / "own"


def ones(array: np.ndarray) -> None:
    array[:] = 1


def fail_with(number: int):
    def allocate(descriptor: int, offset: int, length: int) -> None:
        raise OSError(number, os.strerror(number))

    return allocate


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no such call here")
def test_a_full_cache_is_reported_and_leaves_no_file(own, monkeypatch):
    monkeypatch.setattr(os, "posix_fallocate", fail_with(errno.ENOSPC))
    written: list[np.ndarray] = []
    with pytest.raises(DataUnavailable) as failure:
        filled_array((1000, 250_000), np.float32, written.append, [], "x")
    assert not written, "nothing is written to pages that have no room"
    for said in (str(own), "No space left on device", "1 GB are needed", "TUTORCH_CACHE_DIR"):
        assert said in str(failure.value)
    assert list(own.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="what a sparse file takes is told by Linux")
@pytest.mark.parametrize("allocate", [None, fail_with(errno.EOPNOTSUPP)])
def test_disk_space_is_allocated_before_the_array_is_filled(own, monkeypatch, allocate):
    if allocate is None and not hasattr(os, "posix_fallocate"):
        pytest.skip("no such call here")
    if allocate is not None:
        monkeypatch.setattr(os, "posix_fallocate", allocate)
        monkeypatch.setattr(mapped, "_BLOCK", 1000)
    blocks: list[int] = []

    def fill(array: np.ndarray) -> None:
        (part,) = own.glob("*.part")
        blocks.append(part.stat().st_blocks * 512)
        array[:] = np.arange(100_000).reshape(1000, 100)

    array = filled_array((1000, 100), np.int64, fill, [], "x")
    assert blocks[0] >= 800_000
    assert array[-1, -1] == 99_999
    assert filled_array((1000, 100), np.int64, fill, [], "x")[0, 1] == 1
    assert len(blocks) == 1, "made once"


def test_a_stop_leaves_no_file(own):
    def fill(array: np.ndarray) -> None:
        ProgressReporter(stopped=lambda: True).check()

    with pytest.raises(LoadingStopped):
        filled_array((10,), np.uint8, fill, [], "x")
    assert list(own.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="elsewhere it isn't known who is alive")
def test_the_unfinished_files_of_killed_processes_are_removed(own):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    own.mkdir(parents=True)
    left = own / f"abc.{mapped._host()}.{ended.pid}.part"
    others = [own / f"abc.{mapped._host()}.{os.getppid()}.part", own / "abc.elsewhere.1.part"]
    for path in (left, *others):
        path.touch()
    filled_array((10,), np.uint8, ones, [], "x")
    assert not left.exists()
    assert all(path.exists() for path in others)


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "IN_MEMORY", 0)
    (tmp_path / "file").touch()
    monkeypatch.setenv("TUTORCH_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(DataUnavailable, match="TUTORCH_CACHE_DIR"):
        filled_array((10,), np.uint8, ones, [], "x")
