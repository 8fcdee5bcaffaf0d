"""Evaluates a model of one number over the range of its data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.landscape import short_names


@dataclass(frozen=True)
class Line:
    """Points (x, y), and the model's outputs: `predicted` at the points, `curve` along `grid`.

    For a binary task these are probabilities of class 1, and `crossing` is where the curve crosses
    one half.
    """

    x: np.ndarray
    y: np.ndarray
    predicted: np.ndarray
    grid: np.ndarray
    curve: np.ndarray
    classes: tuple[str, ...]
    weights: tuple[tuple[str, float], ...]
    crossing: float | None
    loss: float


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> Line | None:
    """The line; None for samples of several numbers."""
    if context.data.spec.input_shape != (1,):
        return None
    inputs, targets = context.batch(context.train, np.arange(len(context.train)))
    x = inputs[:, 0].cpu().numpy()
    low, high = min(0.0, float(x.min())), float(x.max())
    grid = np.linspace(low, high + (high - low) * 0.35, 400)
    is_binary = context.data.spec.task == "binary"

    def outputs_at(values: np.ndarray) -> np.ndarray:
        column = torch.tensor(values, dtype=torch.float32, device=context.device)[:, None]
        outputs = context.model(column)
        return (outputs.sigmoid() if is_binary else outputs)[:, 0].cpu().numpy()

    curve = outputs_at(grid)
    return Line(
        x=x,
        y=targets[:, 0].cpu().numpy(),
        predicted=outputs_at(x),
        grid=grid,
        curve=curve,
        classes=context.data.spec.classes,
        weights=tuple(
            (name, float(weight))
            for name, weight in zip(
                short_names(context.model), context.model.parameters(), strict=True
            )
            if weight.numel() == 1
        ),
        crossing=_crossing(grid, curve) if is_binary else None,
        loss=float(context.criterion(context.model(inputs), targets)),
    )


def _crossing(grid: np.ndarray, curve: np.ndarray) -> float | None:
    """Where the curve crosses one half, interpolated linearly; None where it doesn't."""
    above = curve > 0.5
    crossings = np.flatnonzero(above[1:] != above[:-1])
    if not len(crossings):
        return None
    i = int(crossings[0])
    part = (0.5 - curve[i]) / (curve[i + 1] - curve[i])
    return float(grid[i] + part * (grid[i + 1] - grid[i]))
