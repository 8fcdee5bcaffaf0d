"""Computes the cost over one or two weights, and the path that training took across it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from models.lecture import Hyperparameters
from tui_app.inspection.cost_function import CostFunction
from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.replay import replay
from tui_app.training.evaluation import reduction_of

#: Places of the grid along each weight; the most steps to replay, of the run and with another
#: batch size.
_PLACES, _STEPS, _OTHER_STEPS = 41, 6000, 600

#: The most steps to replay while training waits.
_LIVE_STEPS, _LIVE_OTHER_STEPS = 1000, 60


@dataclass(frozen=True)
class Descent:
    """The weights before each step, (steps + 1, weights), and each step's loss.

    Where the run has more steps than were replayed, `steps` is their number, and `current` holds
    the weights of the run's model.
    """

    label: str
    weights: np.ndarray
    losses: np.ndarray
    steps: int = 0
    current: np.ndarray | None = None

    @property
    def end(self) -> np.ndarray:
        """The last weights that are known."""
        return self.weights[-1] if self.current is None else self.current


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
    def max_stable_lr(self) -> float:
        """The lr at which gradient descent starts to diverge."""
        return 2 / self.curvature if self.curvature > 0 else float("inf")


def probe(context: ProbeContext, query: str) -> Landscape | None:
    """The landscape; None for a model with more than three weights."""
    weights = list(context.model.parameters())
    if len(weights) > 3 or any(weight.numel() > 1 for weight in weights):
        return None
    names = short_names(context.model)
    descents = _descents(context)
    cost, drawn = CostFunction(context), min(2, len(names))
    path = descents[0].weights
    lowest = cost.lowest(path[0], descents[0].end)
    grids = tuple(_around(lowest[place], path[:, place], context) for place in range(drawn))
    hp = context.settings.hyperparameters
    return Landscape(
        names=names,
        grids=grids,
        cost=cost.over(grids, lowest),
        lowest=lowest,
        lowest_cost=cost.at(lowest),
        descents=tuple(descents),
        curvature=float(np.linalg.eigvalsh(cost.hessian(lowest))[-1]),
        lr=context.lr,
        is_search="lr" not in context.settings.lecture.fields,
        is_plain_descent=getattr(hp, "optimizer", "sgd") == "sgd"
        and not hp.momentum
        and not hp.weight_decay,
        is_whole_batch=context.batch_size == len(context.train),
        reduction=reduction_of(context.criterion),
        fixed=tuple(
            f"{name} = {value:.3g}" for name, value in list(zip(names, lowest, strict=True))[drawn:]
        ),
    )


def short_names(model: nn.Module) -> tuple[str, ...]:
    """The names of the weights without those of their layers: w, b."""
    short = {"weight": "w", "bias": "b"}
    names = [name.split(".")[-1] for name, _ in model.named_parameters()]
    return tuple(short.get(name, name) for name in names)


def _flat(model: nn.Module) -> np.ndarray:
    parts = [weight.detach().reshape(-1).cpu().double() for weight in model.parameters()]
    return torch.cat(parts).numpy()


def _descents(context: ProbeContext) -> list[Descent]:
    """The run's descent, then descents with other batch sizes where these make a difference."""
    hp, count = context.settings.hyperparameters, len(context.train)
    label = "whole train set" if hp.batch_size == "full" else f"batches of {hp.batch_size}"
    most = _LIVE_STEPS if context.is_live else _STEPS
    found = [_descent(context, label, min(context.step, most), None)]
    if context.step > most:
        found = [replace(found[0], steps=context.step, current=_flat(context.model))]
    if "lr" not in context.settings.lecture.fields or count < 2 or not context.step:
        return found
    middle = max(2, count // 6)
    others = (count, "whole train set"), (middle, f"batches of {middle}"), (1, "one sample")
    for size, label in others:
        if size != context.batch_size:
            per_epoch = -(-count // size)
            most = _LIVE_OTHER_STEPS if context.is_live else _OTHER_STEPS
            steps = min(max(1, context.epoch) * per_epoch, most)
            other = replace(hp, batch_size=size)
            found.append(_descent(context, label, steps, other))
    return found


def _descent(
    context: ProbeContext, label: str, steps: int, other: Hyperparameters | None
) -> Descent:
    weights: list[np.ndarray] = []
    losses: list[float] = []

    def observe(model: nn.Module, step: int, loss: float) -> None:
        weights.append(_flat(model))
        losses.append(loss)

    replay(context, steps, observe, other)
    return Descent(label, np.stack(weights), np.array(losses[1:]))


def _around(lowest: float, path: np.ndarray, context: ProbeContext) -> np.ndarray:
    """Places along a weight: the near part of the path to the lowest cost, and as far beyond."""
    if "lr" not in context.settings.lecture.fields and path.min() < path.max():
        return np.unique(np.round(np.linspace(path.min(), path.max(), _PLACES), 6))
    reach = max(abs(path[0] - lowest) * 1.35, 0.8)
    near = path[np.abs(path - lowest) < 2.5 * reach]
    reach = max(reach, float(np.abs(near - lowest).max(initial=0)) * 1.1)
    return np.linspace(lowest - reach, lowest + reach, _PLACES)
