"""Ranks the best models of a run so far by one metric."""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tui_app.runs.checkpoints.checkpoint import count_of, number_of


@dataclass(frozen=True)
class RankedModel:
    """A kept model: its value of the metric, its epoch and step, its state_dict on the CPU."""

    value: float
    epoch: int
    step: int
    weights: Mapping[str, Tensor]


class BestModels:
    """The `keep` best models, best first. A tie keeps the earlier one."""

    def __init__(self, metric: str, *, highest: bool, keep: int) -> None:
        self.metric = metric
        self.highest = highest
        self.ranking: list[RankedModel] = []
        self._keep = keep

    @property
    def best(self) -> RankedModel | None:
        """The best model, if any was offered."""
        return self.ranking[0] if self.ranking else None

    def offer(self, value: float, epoch: int, step: int, model: nn.Module) -> int | None:
        """Keep the model if it is among the best: its place (0 is the best), or None.

        A model with a value or a weight that isn't finite is never kept.
        """
        place = sum(not self.is_better(value, kept.value) for kept in self.ranking)
        if not math.isfinite(value) or place >= self._keep or not is_finite(model):
            return None
        weights = {
            name: tensor.detach().to("cpu", copy=True)
            for name, tensor in model.state_dict().items()
        }
        self.ranking.insert(place, RankedModel(value, epoch, step, weights))
        del self.ranking[self._keep :]
        return place

    def is_better(self, value: float, other: float) -> bool:
        """Whether a model with the first value is better than one with the other."""
        return value > other if self.highest else value < other

    def state_dict(self) -> list[dict[str, Any]]:
        """The ranking as plain values and tensors."""
        return [dict(vars(kept), weights=dict(kept.weights)) for kept in self.ranking]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Restore a ranking from `state_dict`. Raises KeyError, TypeError, ValueError."""
        self.ranking = [
            RankedModel(
                number_of(kept, "value", least=-math.inf),
                count_of(kept, "epoch"),
                count_of(kept, "step"),
                dict(kept["weights"]),
            )
            for kept in state
        ]


def is_finite(model: nn.Module) -> bool:
    """Whether all weights are finite. A buffer may be infinite, as masks are, but not NaN."""
    # What isn't finite makes the sum so too; large numbers may as well, and need the exact check.
    sums = [each.detach().sum() for each in (*model.parameters(), *_floating_buffers(model))]
    if not sums or cmath.isfinite(torch.stack(sums).sum().item()):  # waits for the device once
        return True
    checks = [torch.isfinite(weight).all() for weight in model.parameters()]
    checks += [~torch.isnan(each).any() for each in _floating_buffers(model)]
    return bool(torch.stack(checks).all())


def _floating_buffers(model: nn.Module) -> list[Tensor]:
    return [each for each in model.buffers() if each.is_floating_point()]
