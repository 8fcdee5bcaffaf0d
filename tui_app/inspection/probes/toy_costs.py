"""Runs gradient descent on a toy cost in three ways; no model is needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tui_app.inspection.probes.landscape import Descent, Landscape

#: A cost of (u, v), arrays of any shape, and its gradient (2,) at one point.
Cost = Callable[[np.ndarray, np.ndarray], np.ndarray]
Slope = Callable[[np.ndarray], np.ndarray]

_STEPS, _LR, _NOISE, _PLACES = 200, 0.05, 0.5, 41


def toy_landscape(
    cost: Cost, slope: Slope, start: tuple[float, float], lowest: tuple[float, float], seed: int
) -> Landscape:
    """Three descents from `start`: with the exact gradient, with noise on it, with momentum 0.9."""
    us, vs = np.linspace(-2, 2, _PLACES), np.linspace(-1.6, 1.6, _PLACES)
    random = np.random.RandomState(seed)
    ways = (
        ("exact gradient", 0.0, 0.0),
        ("with noise", 0.0, _NOISE),
        ("momentum 0.9", 0.9, 0.0),
    )
    descents = tuple(
        _descent(label, cost, slope, np.array(start), momentum, noise, random)
        for label, momentum, noise in ways
    )
    return Landscape(
        names=("u", "v"),
        grids=(us, vs),
        cost=cost(*np.meshgrid(us, vs)),
        lowest=np.array(lowest),
        lowest_cost=float(cost(*np.array(lowest))),
        descents=descents,
        curvature=0.0,
        lr=_LR,
        is_search=False,
        is_plain_descent=False,
        is_whole_batch=True,
        reduction="mean",
        fixed=(),
    )


def _descent(
    label: str,
    cost: Cost,
    slope: Slope,
    place: np.ndarray,
    momentum: float,
    noise: float,
    random: np.random.RandomState,
) -> Descent:
    places, losses, velocity = [place], [], np.zeros(2)
    for _ in range(_STEPS):
        losses.append(float(cost(*place)))
        velocity = momentum * velocity + slope(place) + noise * random.randn(2)
        place = place - _LR * velocity
        places.append(place)
    return Descent(label, np.stack(places), np.array(losses))
