"""The archives of CIFAR-10: read in memory, nothing unpacked to disk and no pickle executed."""

from __future__ import annotations

import pickletools
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from datasets.dataset import DataDamaged

#: Bytes that an archive of a data set may come to when it is unpacked: CIFAR-10's come to 178 MiB.
_LARGEST = 1 << 30


def read_members(path: Path) -> dict[str, bytes]:
    """The contents of the files in a .tar.gz, by the last part of their names.

    Links and devices among them are passed over. Raises DataDamaged, naming the archive.
    """
    contents: dict[str, bytes] = {}
    room = _LARGEST
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                opened = archive.extractfile(member) if member.isfile() else None
                room -= member.size
                if room < 0:
                    raise DataDamaged(f"{path} comes to more than {_LARGEST} bytes: it is damaged.")
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

    The pickle is only looked through, instruction by instruction, for the numbers after `labels`
    and the bytes after `data`; none of it is carried out. Raises ValueError.
    """
    key = ""
    labels: list[int] = []
    raw, by_column = b"", False
    last: tuple[str, Any] = ("", None)
    for opcode, argument, _ in pickletools.genops(content):
        text = argument.encode("latin-1", "replace") if isinstance(argument, str) else argument
        if text in (b"labels", b"data", b"filenames", b"batch_label"):
            key = text.decode()
        elif key == "labels" and opcode.name in _NUMBERS and isinstance(argument, int):
            labels.append(argument)
        elif key == "data" and isinstance(text, bytes) and len(text) >= pixels:
            raw, by_column = text, last == ("NEWTRUE", None) or last[1] == 1
        last = (opcode.name, argument)
    if not labels or len(raw) != len(labels) * pixels or not 0 <= min(labels) <= max(labels) < 256:
        raise ValueError("is no pickle of images and labels")
    shape, order = (len(labels), pixels), "F" if by_column else "C"
    return np.frombuffer(raw, np.uint8).reshape(shape, order=order).copy(), np.array(
        labels, np.int64
    )


_NUMBERS = {"INT", "BININT", "BININT1", "BININT2"}
