"""Computes the cost over the train set as a function of a model's few weights."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from tui_app.inspection.probe_context import ProbeContext

#: How many samples `samples` lists.
_SAMPLES = 3


class CostFunction:
    """The cost of the whole train set at given weights, in double precision."""

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
    def at(self, weights: np.ndarray) -> float:
        """The cost at these weights."""
        return float(self._loss(weights))

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """The gradient at these weights, by autograd."""
        with torch.enable_grad():
            parameters = list(self._model.parameters())
            gradients = torch.autograd.grad(self._loss(weights), parameters)
        return np.array([float(gradient.sum()) for gradient in gradients])

    @torch.no_grad()
    def samples(self, weights: np.ndarray) -> np.ndarray:
        """x, ŷ, y and the loss of the first samples; empty unless each of them is one number."""
        self._loss(weights)
        outputs = self._model(self._inputs).reshape(-1)
        inputs, targets = self._inputs.reshape(-1), self._targets.reshape(-1)
        if not len(inputs) == len(outputs) == len(targets):
            return np.zeros((0, 4))
        inputs, outputs, targets = inputs[:_SAMPLES], outputs[:_SAMPLES], targets[:_SAMPLES]
        losses = [self._criterion(o, t) for o, t in zip(outputs, targets, strict=True)]
        return torch.stack((inputs, outputs, targets, torch.stack(losses)), dim=1).numpy()

    def hessian(self, weights: np.ndarray, step: float = 1e-3) -> np.ndarray:
        """The Hessian at these weights, by central differences."""
        size = len(weights)
        moves = np.eye(size) * step
        found = np.empty((size, size))
        for i in range(size):
            for j in range(size):
                a, b = moves[i], moves[j]
                around = self.at(weights + a + b) - self.at(weights + a - b)
                around += self.at(weights - a - b) - self.at(weights - a + b)
                found[i, j] = around / (4 * step * step)
        return found

    def lowest(self, start: np.ndarray, end: np.ndarray, step: float = 1e-4) -> np.ndarray:
        """The weights of the lowest cost.

        For a squared error, this takes one Newton step from `start`, which is exact for a linear
        model but loses digits if `start` is far away. For any other criterion it returns `end`,
        where the descent stopped: the cost of separable classes, for example, has no minimum.
        """
        if not isinstance(self._criterion, nn.MSELoss):
            return end if np.isfinite(end).all() else start
        moves = np.eye(len(start)) * step
        slope = np.array([(self.at(start + m) - self.at(start - m)) / (2 * step) for m in moves])
        return start - np.linalg.pinv(self.hessian(start), rcond=1e-9) @ slope

    def over(self, grids: tuple[np.ndarray, ...], lowest: np.ndarray) -> np.ndarray:
        """The cost at every point of a grid over the first one or two weights; the others are
        taken from `lowest`.
        """
        parabola = self._parabola(grids, lowest)
        if parabola is not None:
            return parabola
        if len(grids) == 1:
            return np.array([self.at(np.array([w])) for w in grids[0]])
        rest = lowest[2:]
        return np.array([[self.at(np.array([w, b, *rest])) for w in grids[0]] for b in grids[1]])

    def _parabola(self, grids: tuple[np.ndarray, ...], lowest: np.ndarray) -> np.ndarray | None:
        """The cost on the grid as cost(lowest) + dᵀHd / 2, which is exact for the squared error of
        a linear model. None if the real cost at either of two opposite corners differs.
        """
        if not isinstance(self._criterion, nn.MSELoss):
            return None
        hessian, least = self.hessian(lowest), self.at(lowest)
        drawn = len(grids)
        mesh = np.stack(np.meshgrid(*grids), axis=-1) if drawn > 1 else grids[0][:, None]
        away = mesh - lowest[:drawn]
        costs = least + np.einsum("...i,ij,...j", away, hessian[:drawn, :drawn], away) / 2
        for corner in (0, -1):
            place = np.concatenate([mesh.reshape(-1, drawn)[corner], lowest[drawn:]])
            if not np.isclose(costs.reshape(-1)[corner], self.at(place), rtol=1e-4, atol=1e-9):
                return None
        return costs
