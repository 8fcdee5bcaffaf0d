"""Reduces a long series to the minimum and maximum in each column of a chart."""

from __future__ import annotations

import numpy as np


def bucketed(values: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions in `values`, and the values to draw there.

    A short series is returned whole. A longer one is divided into `columns` parts, of which each
    gives its minimum and maximum, so that no peak is lost.
    """
    columns = max(1, columns)
    if len(values) <= 2 * columns:
        return np.arange(len(values), dtype=float), values
    edges = np.linspace(0, len(values), columns + 1).astype(int)
    starts, widths = edges[:-1], np.diff(edges)
    positions = np.empty(2 * columns)
    positions[0::2], positions[1::2] = starts + widths / 4, starts + 3 * widths / 4
    drawn = np.empty(2 * columns)
    drawn[0::2] = np.fmin.reduceat(values, starts)
    drawn[1::2] = np.fmax.reduceat(values, starts)
    return positions, drawn
