"""The cost over one or two weights, and the way that training took down it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.replay import replay
from tui_app.training.evaluation import reduction_of

#: Places of the grid along each weight, and the steps of a run that are taken again at most.
_PLACES, _STEPS, _OTHER_STEPS = 41, 6000, 600

#: The same while training waits for it.
_LIVE_STEPS, _LIVE_OTHER_STEPS = 1000, 60


@dataclass(frozen=True)
class Descent:
    """The weights before each step, (steps + 1, weights), and what each step's loss was.

    Where the run has taken more steps than were taken again, `steps` says how many, and `now` has
    the weights of the model that is looked at.
    """

    label: str
    weights: np.ndarray
    losses: np.ndarray
    steps: int = 0
    now: np.ndarray | None = None

    @property
    def end(self) -> np.ndarray:
        """Where it has led to, as far as is known."""
        return self.weights[-1] if self.now is None else self.now


@dataclass(frozen=True)
class Landscape:
    """The cost of the whole train set, (w,) or (b, w), over `grids`, a list of values per weight.

    `curvature` is the largest eigenvalue of the cost's Hessian at `lowest`. Gradient descent over
    the whole train set is stable while lr < 2 / curvature (LeCun, Kanter and Solla, 1991).
    """

    names: tuple[str, ...]
    grids: tuple[np.ndarray, ...]
    cost: np.ndarray
    lowest: np.ndarray
    lowest_cost: float
    descents: tuple[Descent, ...]
    curvature: float
    lr: float
    is_search: bool
    is_plain_descent: bool
    is_whole_batch: bool
    reduction: str
    fixed: tuple[str, ...]

    @property
    def limit(self) -> float:
        """The learning rate from which gradient descent diverges here."""
        return 2 / self.curvature if self.curvature > 0 else float("inf")


def probe(context: ProbeContext, query: str) -> Landscape | None:
    """The landscape; None for a model whose weights are too many to be drawn."""
    weights = list(context.model.parameters())
    if len(weights) > 3 or any(weight.numel() > 1 for weight in weights):
        return None
    names = short_names(context.model)
    descents = _descents(context)
    surface = _Surface(context, drawn=min(2, len(names)))
    own = descents[0].weights
    lowest = surface.lowest(own[0], descents[0].end)
    grids = tuple(_around(lowest[place], own[:, place], context) for place in range(surface.drawn))
    hp = context.settings.hyperparameters
    return Landscape(
        names=names,
        grids=grids,
        cost=surface.over(grids, lowest),
        lowest=lowest,
        lowest_cost=surface.cost(lowest),
        descents=tuple(descents),
        curvature=float(np.linalg.eigvalsh(surface.hessian(lowest))[-1]),
        lr=context.lr,
        is_search="lr" not in context.settings.lecture.fields,
        is_plain_descent=getattr(hp, "optimizer", "sgd") == "sgd"
        and not hp.momentum
        and not hp.weight_decay,
        is_whole_batch=hp.batch_size == "full" or hp.batch_size >= len(context.train),
        reduction=reduction_of(context.criterion),
        fixed=tuple(
            f"{name} = {value:.3g}"
            for name, value in list(zip(names, lowest, strict=True))[surface.drawn :]
        ),
    )


def short_names(model: nn.Module) -> tuple[str, ...]:
    """The names of the weights, without their layers: w, b."""
    short = {"weight": "w", "bias": "b"}
    names = [name.split(".")[-1] for name, _ in model.named_parameters()]
    return tuple(short.get(name, name) for name in names)


def _flat(model: nn.Module) -> np.ndarray:
    parts = [weight.detach().reshape(-1).cpu().double() for weight in model.parameters()]
    return torch.cat(parts).numpy()


def _descents(context: ProbeContext) -> list[Descent]:
    """The run's own, then the same with other batch sizes where that makes a difference."""
    hp, count = context.settings.hyperparameters, len(context.train)
    own = "whole train set" if hp.batch_size == "full" else f"batches of {hp.batch_size}"
    most = _LIVE_STEPS if context.is_live else _STEPS
    found = [_descent(context, own, min(context.step, most), None)]
    if context.step > most:
        found = [replace(found[0], steps=context.step, now=_flat(context.model))]
    if "lr" not in context.settings.lecture.fields or count < 2 or not context.step:
        return found
    middle = max(2, count // 6)
    others = (count, "whole train set"), (middle, f"batches of {middle}"), (1, "one sample")
    for size, label in others:
        if size != (count if hp.batch_size == "full" else min(count, hp.batch_size)):
            per_epoch = -(-count // size)
            most = _LIVE_OTHER_STEPS if context.is_live else _OTHER_STEPS
            steps = min(max(1, context.epoch) * per_epoch, most)
            other = replace(hp, batch_size=size)
            found.append(_descent(context, label, steps, other))
    return found


def _descent(context: ProbeContext, label: str, steps: int, other) -> Descent:
    weights: list[np.ndarray] = []
    losses: list[float] = []

    def observe(model: nn.Module, step: int, loss: float) -> None:
        weights.append(_flat(model))
        losses.append(loss)

    replay(context, steps, observe, other)
    return Descent(label, np.stack(weights), np.array(losses[1:]))


def _around(lowest: float, path: np.ndarray, context: ProbeContext) -> np.ndarray:
    """Places along a weight: the way there, as long as it stays near, and as far beyond."""
    if "lr" not in context.settings.lecture.fields and path.min() < path.max():
        return np.unique(np.round(np.linspace(path.min(), path.max(), _PLACES), 6))
    reach = max(abs(path[0] - lowest) * 1.35, 0.8)
    near = path[np.abs(path - lowest) < 2.5 * reach]
    reach = max(reach, float(np.abs(near - lowest).max(initial=0)) * 1.1)
    return np.linspace(lowest - reach, lowest + reach, _PLACES)


class _Surface:
    """The cost as a function of all weights, in double precision."""

    def __init__(self, context: ProbeContext, drawn: int) -> None:
        self.drawn = drawn
        self._model = copy.deepcopy(context.model).cpu().double()
        self._criterion = context.criterion
        inputs, targets = context.batch(context.train, np.arange(len(context.train)))
        self._inputs: Tensor = inputs.cpu().double()
        self._targets: Tensor = targets.cpu().double()

    @torch.no_grad()
    def cost(self, weights: np.ndarray) -> float:
        """Of one point."""
        for weight, value in zip(self._model.parameters(), weights, strict=True):
            weight.fill_(float(value))
        return float(self._criterion(self._model(self._inputs), self._targets))

    def over(self, grids: tuple[np.ndarray, ...], lowest: np.ndarray) -> np.ndarray:
        """Of every point of the grid, the weights that aren't drawn being those of `lowest`."""
        parabola = self._parabola(grids, lowest)
        if parabola is not None:
            return parabola
        if len(grids) == 1:
            return np.array([self.cost(np.array([w])) for w in grids[0]])
        rest = lowest[2:]
        return np.array([[self.cost(np.array([w, b, *rest])) for w in grids[0]] for b in grids[1]])

    def _parabola(self, grids: tuple[np.ndarray, ...], lowest: np.ndarray) -> np.ndarray | None:
        """The same by lowest + dᵀHd / 2, exact for a squared error of a linear model; None for
        another cost, which a look at two far points tells.
        """
        if not isinstance(self._criterion, nn.MSELoss):
            return None
        hessian, least = self.hessian(lowest), self.cost(lowest)
        drawn = len(grids)
        mesh = np.stack(np.meshgrid(*grids), axis=-1) if drawn > 1 else grids[0][:, None]
        away = mesh - lowest[:drawn]
        costs = least + np.einsum("...i,ij,...j", away, hessian[:drawn, :drawn], away) / 2
        for corner in (0, -1):
            place = np.concatenate([mesh.reshape(-1, drawn)[corner], lowest[drawn:]])
            if not np.isclose(costs.reshape(-1)[corner], self.cost(place), rtol=1e-4, atol=1e-9):
                return None
        return costs

    def hessian(self, at: np.ndarray, step: float = 1e-3) -> np.ndarray:
        """By central differences."""
        size = len(at)
        moves = np.eye(size) * step
        found = np.empty((size, size))
        for i in range(size):
            for j in range(size):
                a, b = moves[i], moves[j]
                around = self.cost(at + a + b) - self.cost(at + a - b)
                around += self.cost(at - a - b) - self.cost(at - a + b)
                found[i, j] = around / (4 * step * step)
        return found

    def lowest(self, start: np.ndarray, end: np.ndarray, step: float = 1e-4) -> np.ndarray:
        """By one Newton step from `start`, which for a squared error of a linear model is exact
        (but far from everything digits are lost); else `end`, where the descent led to, since a
        cost like that of separable classes has no lowest point.
        """
        if not isinstance(self._criterion, nn.MSELoss):
            return end if np.isfinite(end).all() else start
        moves = np.eye(len(start)) * step
        slope = np.array(
            [(self.cost(start + m) - self.cost(start - m)) / (2 * step) for m in moves]
        )
        return start - np.linalg.pinv(self.hessian(start), rcond=1e-9) @ slope
