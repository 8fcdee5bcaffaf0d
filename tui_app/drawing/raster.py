"""Converts images to brightness and scales them to the room there is."""

from __future__ import annotations

import numpy as np


def brightness(image: np.ndarray) -> np.ndarray:
    """An image (C, H, W), uint8 or uint16, as brightness (H, W) from 0 to 1; colours as luma."""
    values = image.astype(np.float64) / np.iinfo(image.dtype).max
    if len(values) == 3:  # BT.601
        return np.tensordot(np.array([0.299, 0.587, 0.114]), values, axes=1)
    return values.mean(axis=0)


def scale_image(image: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """An image (H, W) scaled to (rows, columns), by means when shrinking, else by the nearest."""
    for axis, size in ((0, rows), (1, columns)):
        length = image.shape[axis]
        edges = np.linspace(0, length, size + 1)
        if size < length:
            starts = edges[:-1].astype(int)
            sums = np.add.reduceat(image, starts, axis=axis)
            counts = np.diff([*starts, length])
            image = sums / (counts[:, None] if axis == 0 else counts)
        else:
            nearest = ((edges[:-1] + edges[1:]) / 2).astype(int)
            image = np.take(image, nearest, axis=axis)
    return image


def fit_image(image: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """An image (H, W) at the largest size that fits and keeps its shape, two pixels to a row."""
    height, width = image.shape
    scale = min(columns / width, 2 * rows / height)
    if scale > 1:
        scale = int(scale)
    high = max(2, round(height * scale))
    return scale_image(image, max(1, round(width * scale)), high + high % 2)


def centred_shares(values: np.ndarray) -> np.ndarray:
    """Values around zero as shares: zero becomes 0.5, the largest absolute value 0 or 1."""
    largest = float(np.abs(values).max()) or 1.0
    return 0.5 + values / (2 * largest)
