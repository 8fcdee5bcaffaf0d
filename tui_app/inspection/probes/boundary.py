"""Evaluates a classifier of points over the plane, to show its decision boundary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tui_app.inspection.probe_context import ProbeContext, evenly_spaced_rows
from tui_app.inspection.probes.predictions import class_probabilities

_PLACES, _POINTS = 96, 400


@dataclass(frozen=True)
class Boundary:
    """P(class 1) over the plane, (y, x), and the train set's points (N, 2) with their classes."""

    xs: np.ndarray
    ys: np.ndarray
    probabilities: np.ndarray
    points: np.ndarray
    targets: np.ndarray
    classes: tuple[str, ...]
    accuracy: float
    measured: str


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> Boundary | None:
    """The boundary; None unless samples are points of two classes."""
    if context.data.spec.input_shape != (2,) or len(context.data.spec.classes) != 2:
        return None
    rows = evenly_spaced_rows(context.train, _POINTS)
    points = context.train.inputs[rows]
    low, high = points.min(axis=0), points.max(axis=0)
    margin = (high - low) * 0.08
    xs = np.linspace(low[0] - margin[0], high[0] + margin[0], _PLACES)
    ys = np.linspace(low[1] - margin[1], high[1] + margin[1], _PLACES)
    plane = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    outputs = context.model(torch.tensor(plane, dtype=torch.float32, device=context.device)).cpu()
    inputs, targets = context.batch(context.split, context.rows())
    guesses = class_probabilities(context.model(inputs).cpu()).argmax(dim=1)
    right = guesses == targets.cpu().reshape(-1).round().long()
    return Boundary(
        xs=xs,
        ys=ys,
        probabilities=class_probabilities(outputs)[:, 1].numpy().reshape(_PLACES, _PLACES),
        points=points,
        targets=context.train.targets[rows].reshape(-1).astype(np.int64),
        classes=context.data.spec.classes,
        accuracy=float(right.float().mean()),
        measured=context.measured,
    )
