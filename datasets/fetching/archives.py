"""Reads the archives of CIFAR-10 in memory, without unpacking to disk."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np

from datasets.dataset import DataDamaged
from datasets.reading.progress import NO_REPORTS, ProgressReporter

#: The most bytes that an archive may have when unpacked; CIFAR-10's have 178 MiB.
_LARGEST = 1 << 30

_BLOCK = 1 << 20


def read_members(path: Path, reporter: ProgressReporter = NO_REPORTS) -> dict[str, bytes]:
    """The contents of the files in a .tar.gz, by the last part of their names.

    Skips links and devices. Raises DataDamaged with the archive's name.
    """
    contents: dict[str, bytes] = {}
    room = _LARGEST
    try:
        with path.open("rb") as packed, tarfile.open(fileobj=packed, mode="r|gz") as archive:
            size = path.stat().st_size
            for member in archive:
                opened = archive.extractfile(member) if member.isfile() else None
                room -= member.size
                if room < 0:
                    raise DataDamaged(
                        f"{path} unpacks to more than {_LARGEST} bytes: it is damaged."
                    )
                if opened is not None:
                    blocks = []
                    while block := opened.read(_BLOCK):
                        reporter.advance(
                            packed.tell(), size, path.name, action="unpacking", unit="bytes"
                        )
                        blocks.append(block)
                    contents[PurePosixPath(member.name).name] = b"".join(blocks)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataDamaged(f"{path} can't be unpacked: {error}. Fetch it again.") from error
    return contents


def read_binary_batch(content: bytes, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, pixels) uint8 and labels (N,) int64 from rows of one label and its pixels.

    Raises ValueError.
    """
    if not content or len(content) % (1 + pixels):
        raise ValueError(f"has {len(content)} bytes, which isn't a whole number of images")
    rows = np.frombuffer(content, np.uint8).reshape(-1, 1 + pixels)
    return rows[:, 1:].copy(), rows[:, 0].astype(np.int64)
