"""Runs gradient descent on a toy cost with a saddle point at (0, 0)."""

from __future__ import annotations

import numpy as np

from datasets.reading.cell_numbers import whole_number
from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.landscape import Landscape
from tui_app.inspection.probes.toy_costs import toy_landscape


def _cost(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return u**2 / 2 - v**2 / 2 + v**4 / 4 + 0.25


def _slope(place: np.ndarray) -> np.ndarray:
    u, v = place
    return np.array([u, -v + v**3])


def probe(context: ProbeContext | None, query: str) -> Landscape:
    """From (-1.8, 0) the exact gradient ends on the saddle; with noise it leaves it."""
    seed = (whole_number(query) or 0) % 2**32
    return toy_landscape(_cost, _slope, (-1.8, 0.0), (0.0, 1.0), seed)
