"""Computes the cost and gradient at weights that the user sets by hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tui_app.inspection.cost_function import CostFunction
from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.landscape import short_names
from tui_app.training.build_model import build_model
from tui_app.training.evaluation import reduction_of

#: What an arrow key adds to a weight, and the ranges of w and b that are always drawn.
STEP = 0.1
_RANGES = ((0.0, 4.0), (-2.0, 2.0))
_PLACES = 81


@dataclass(frozen=True)
class ByHand:
    """Weights that were `tried` (n, weights), the current ones last, and the cost of each (n,).

    `slope` (weights,) is the gradient at the current weights; `rows` are x, ŷ, y and the loss of
    the first samples. `grid` and `curve` are the cost over one weight, empty for two; `ranges` are
    those to draw. `is_lowest` means that no step of an arrow key lowers the cost.
    """

    names: tuple[str, ...]
    tried: np.ndarray
    costs: np.ndarray
    slope: np.ndarray
    rows: np.ndarray
    ranges: tuple[tuple[float, float], ...]
    grid: np.ndarray
    curve: np.ndarray
    is_lowest: bool
    reduction: str


def probe(context: ProbeContext, query: str) -> ByHand | None:
    """`query` lists the weights that were tried: `0 0.1 0.2`, or `0,1 0.1,1` for w and b. If empty,
    the probe starts at the initial weights, also after training. None for more than two weights.
    """
    names = short_names(context.model)
    weights = list(context.model.parameters())
    if len(weights) > 2 or any(weight.numel() > 1 for weight in weights):
        return None
    tried, cost = _read(query, len(names)), CostFunction(context)
    if tried is None:
        tried = np.array([_start(context, cost)])
    current = tried[-1]
    ranges = tuple(
        (min(low, float(column.min())), max(high, float(column.max())))
        for (low, high), column in zip(_RANGES, tried.T, strict=False)
    )
    grid = np.linspace(*ranges[0], _PLACES) if len(names) == 1 else np.zeros(0)
    costs = np.array([cost.at(place) for place in tried])
    return ByHand(
        names=names,
        tried=tried,
        costs=costs,
        slope=cost.gradient(current),
        rows=cost.samples(current),
        ranges=ranges,
        grid=grid,
        curve=np.array([cost.at(np.array([w])) for w in grid]),
        is_lowest=_is_lowest(cost, current),
        reduction=reduction_of(context.criterion),
    )


def _start(context: ProbeContext, cost: CostFunction) -> np.ndarray:
    """The initial weights, less 1 if these are the lowest already."""
    model = context.model
    if context.step:
        model, _ = build_model(
            context.settings.lecture, context.data, context.settings, context.device
        )
    start = np.round([weight.item() for weight in model.parameters()], 6)
    return start - 1 if _is_lowest(cost, start) else start


def _read(query: str, weights: int) -> np.ndarray | None:
    try:
        tried = np.array([[float(n) for n in place.split(",")] for place in query.split()])
    except ValueError:
        return None
    return tried if tried.ndim == 2 and tried.shape[1] == weights and len(tried) else None


def _is_lowest(cost: CostFunction, weights: np.ndarray) -> bool:
    """Whether no step of an arrow key lowers the cost."""
    steps = np.eye(len(weights)) * STEP
    return min(cost.at(weights + step) for step in (*steps, *-steps)) >= cost.at(weights)
