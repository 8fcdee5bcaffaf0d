"""A model of one number: its data, and its answers over their range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.landscape import short_names


@dataclass(frozen=True)
class Line:
    """Points (x, y), the model's answer at each (predicted) and along `grid` (answers).

    For a binary task answers are probabilities of the class 1, and `crossing` is where they pass
    one half.
    """

    x: np.ndarray
    y: np.ndarray
    predicted: np.ndarray
    grid: np.ndarray
    answers: np.ndarray
    classes: tuple[str, ...]
    weights: tuple[tuple[str, float], ...]
    crossing: float | None
    loss: float


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> Line | None:
    """The line; None for a model of several numbers."""
    if context.data.spec.input_shape != (1,):
        return None
    inputs, targets = context.batch(context.train, np.arange(len(context.train)))
    x = inputs[:, 0].cpu().numpy()
    low, high = min(0.0, float(x.min())), float(x.max())
    grid = np.linspace(low, high + (high - low) * 0.35, 400)
    is_binary = context.data.spec.task == "binary"

    def answers(values: np.ndarray) -> np.ndarray:
        column = torch.tensor(values, dtype=torch.float32, device=context.device)[:, None]
        outputs = context.model(column)
        return (outputs.sigmoid() if is_binary else outputs)[:, 0].cpu().numpy()

    along = answers(grid)
    return Line(
        x=x,
        y=targets[:, 0].cpu().numpy(),
        predicted=answers(x),
        grid=grid,
        answers=along,
        classes=context.data.spec.classes,
        weights=tuple(
            (name, float(weight))
            for name, weight in zip(
                short_names(context.model), context.model.parameters(), strict=True
            )
            if weight.numel() == 1
        ),
        crossing=_crossing(grid, along) if is_binary else None,
        loss=float(context.criterion(context.model(inputs), targets)),
    )


def _crossing(grid: np.ndarray, shares: np.ndarray) -> float | None:
    """Where the curve passes one half, between two places by a straight line."""
    above = shares > 0.5
    passes = np.flatnonzero(above[1:] != above[:-1])
    if not len(passes):
        return None
    i = int(passes[0])
    part = (0.5 - shares[i]) / (shares[i + 1] - shares[i])
    return float(grid[i] + part * (grid[i + 1] - grid[i]))
