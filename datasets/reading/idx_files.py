"""Reads the IDX files of MNIST and Fashion-MNIST: images and labels.

An IDX file is a header (two zero bytes, 8 for unsigned bytes, the number of dimensions, then each
dimension as a big-endian 32-bit integer) and the bytes. It is read packed (.gz) or plain.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from datasets.reading.data import DataDamaged, Split
from datasets.reading.progress import NO_REPORTS, ProgressReporter


def read_idx_split(
    images: Path, labels: Path, classes: int, reporter: ProgressReporter = NO_REPORTS
) -> Split:
    """The images (N, 1, 28, 28) uint8 and labels (N,) int64 of two IDX files.

    Raises DataDamaged, naming the file.
    """
    reporter.check()
    inputs, targets = read_idx(images, 3), read_idx(labels, 1)
    if len(inputs) != len(targets):
        raise DataDamaged(f"{images} has {len(inputs)} images, but {labels} {len(targets)} labels.")
    if len(targets) and targets.max() >= classes:
        raise DataDamaged(f"{labels} has a label {targets.max()}: only 0 to {classes - 1} exist.")
    return Split(inputs[:, np.newaxis], targets.astype(np.int64))


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The uint8 array of an IDX file. Raises DataDamaged, naming the file."""
    try:
        content = path.read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataDamaged(f"{path} can't be read: {error}. Fetch it again.") from error
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes([0, 0, 8, dimensions]):
        raise DataDamaged(f"{path} isn't an IDX file of {dimensions} dimensions. Fetch it again.")
    shape = np.frombuffer(content, ">u4", dimensions, offset=4).tolist()
    values = np.frombuffer(content, np.uint8, offset=header)
    if values.size != math.prod(shape):
        raise DataDamaged(
            f"{path} announces {' x '.join(map(str, shape))} values but has {values.size}. "
            "Fetch it again."
        )
    return values.reshape(shape).copy()
