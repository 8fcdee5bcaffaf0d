"""Predicts lecture 12's word with the model after each epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.replay import replay

#: The most epochs that are shown, and the most while training waits.
_STEPS, _LIVE_STEPS = 400, 100


@dataclass(frozen=True)
class Words:
    """The `predicted` word after each of the `epochs`: 0, which is before the first, 1, 2, ..., and
    the last one where there are too many between.

    `probabilities` are those of the predicted letters, (epochs, letters).
    """

    input: str
    target: str
    epochs: tuple[int, ...]
    predicted: tuple[str, ...]
    probabilities: np.ndarray
    losses: np.ndarray


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> Words | None:
    """The words; None for a model that doesn't predict a letter for each letter."""
    spec = context.data.spec
    if not spec.vocabulary or context.train.targets.ndim < 2:
        return None
    inputs, targets = context.batch(context.train, np.array([0]))
    predicted: list[str] = []
    probabilities: list[np.ndarray] = []
    losses: list[float] = []

    def observe(model: nn.Module, step: int, loss: float) -> None:
        with torch.no_grad():
            model.eval()
            outputs = model(inputs)
            model.train(model is not context.model)
        top = outputs[0].softmax(dim=0).max(dim=0)
        predicted.append("".join(spec.classes[i] for i in top.indices.tolist()))
        probabilities.append(top.values.cpu().numpy())
        losses.append(float(context.criterion(outputs, targets)))

    with torch.enable_grad():
        most = _LIVE_STEPS if context.is_live else _STEPS
        replay(context, min(context.step, most), observe)
    epochs = list(range(len(predicted)))
    if context.step > most:
        observe(context.model, context.step, float("nan"))
        epochs.append(context.epoch)
    return Words(
        input="".join(spec.vocabulary[i] for i in context.train.inputs[0]),
        target="".join(spec.classes[i] for i in context.train.targets[0]),
        epochs=tuple(epochs),
        predicted=tuple(predicted),
        probabilities=np.stack(probabilities),
        losses=np.array(losses),
    )
