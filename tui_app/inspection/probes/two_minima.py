"""Runs gradient descent on a toy cost with two minima, one of them lower."""

from __future__ import annotations

import numpy as np

from datasets.reading.cell_numbers import whole_number
from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.landscape import Landscape
from tui_app.inspection.probes.toy_costs import toy_landscape

#: The u of the lower minimum: the root of the slope 4u(u² - 1) + 0.3 near 1, mirrored.
_LOWEST = -1.0355


def _cost(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (u**2 - 1) ** 2 + 0.3 * u + v**2 / 2 + 0.32


def _slope(place: np.ndarray) -> np.ndarray:
    u, v = place
    return np.array([4 * u * (u**2 - 1) + 0.3, v])


def probe(context: ProbeContext | None, query: str) -> Landscape:
    """From (1.7, 1.3) the exact gradient ends in the nearer minimum, which is the higher one."""
    seed = (whole_number(query) or 0) % 2**32
    return toy_landscape(_cost, _slope, (1.7, 1.3), (_LOWEST, 0.0), seed)
