"""Training by hand: a person tries weights, and hears what each costs."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.landscape import short_names
from tui_app.training.evaluation import reduction_of
from tui_app.training.prepare import build_model

#: What an arrow key adds to a weight, and the range that is drawn in any case, of w and of b.
STEP = 0.1
_RANGES = ((0.0, 4.0), (-2.0, 2.0))
_PLACES = 81


@dataclass(frozen=True)
class ByHand:
    """Weights that were `tried` (n, weights), the last ones now, and the cost of each (n,).

    `slope` (weights,) is the gradient now; `rows` are x, ŷ, y and the loss of single samples.
    `grid` and `curve` are the cost over one weight, empty for two; `ranges` what is to be drawn.
    `is_lowest` says whether no step of one key leads further down.
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
    tried, cost = _read(query, len(names)), _Cost(context)
    if tried is None:
        tried = np.array([_start(context, cost)])
    now = tried[-1]
    ranges = tuple(
        (min(low, float(column.min())), max(high, float(column.max())))
        for (low, high), column in zip(_RANGES, tried.T, strict=False)
    )
    grid = np.linspace(*ranges[0], _PLACES) if len(names) == 1 else np.zeros(0)
    costs = np.array([cost.of(place) for place in tried])
    return ByHand(
        names=names,
        tried=tried,
        costs=costs,
        slope=cost.slope(now),
        rows=cost.rows(now),
        ranges=ranges,
        grid=grid,
        curve=np.array([cost.of(np.array([w])) for w in grid]),
        is_lowest=cost.is_lowest(now),
        reduction=reduction_of(context.criterion),
    )


def _start(context: ProbeContext, cost: _Cost) -> np.ndarray:
    """The weights before the first step; less by one where these cost least already."""
    model = context.model
    if context.step:
        model, _ = build_model(
            context.settings.lecture, context.data, context.settings, context.device
        )
    start = np.round([weight.item() for weight in model.parameters()], 6)
    return start - 1 if cost.is_lowest(start) else start


def _read(query: str, weights: int) -> np.ndarray | None:
    try:
        tried = np.array([[float(n) for n in place.split(",")] for place in query.split()])
    except ValueError:
        return None
    return tried if tried.ndim == 2 and tried.shape[1] == weights and len(tried) else None


class _Cost:
    """The cost over the train set as a function of the weights."""

    def __init__(self, context: ProbeContext) -> None:
        self._model = copy.deepcopy(context.model).cpu().double()
        self._criterion = context.criterion
        inputs, targets = context.batch(context.train, np.arange(len(context.train)))
        self._inputs, self._targets = inputs.cpu().double(), targets.cpu().double()

    def _loss(self, weights: np.ndarray) -> torch.Tensor:
        with torch.no_grad():
            for weight, value in zip(self._model.parameters(), weights, strict=True):
                weight.fill_(float(value))
        return self._criterion(self._model(self._inputs), self._targets)

    @torch.no_grad()
    def of(self, weights: np.ndarray) -> float:
        """At these weights."""
        return float(self._loss(weights))

    def is_lowest(self, weights: np.ndarray) -> bool:
        """Whether no step of an arrow key from there costs less."""
        steps = np.eye(len(weights)) * STEP
        return min(self.of(weights + step) for step in (*steps, *-steps)) >= self.of(weights)

    def slope(self, weights: np.ndarray) -> np.ndarray:
        """Its gradient there."""
        with torch.enable_grad():
            own = list(self._model.parameters())
            gradients = torch.autograd.grad(self._loss(weights), own)
        return np.array([float(gradient.sum()) for gradient in gradients])

    @torch.no_grad()
    def rows(self, weights: np.ndarray) -> np.ndarray:
        """x, ŷ, y and the loss of the first samples, where each has one of all."""
        self._loss(weights)
        outputs = self._model(self._inputs).reshape(-1)
        inputs, targets = self._inputs.reshape(-1), self._targets.reshape(-1)
        if not len(inputs) == len(outputs) == len(targets):
            return np.zeros((0, 4))
        losses = [self._criterion(o, t) for o, t in zip(outputs[:3], targets[:3], strict=True)]
        columns = (inputs[:3], outputs[:3], targets[:3], torch.stack(losses))
        return torch.stack(columns, dim=1).numpy()
