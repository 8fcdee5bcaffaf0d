"""Lecture 12: which word the network says after each epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.replay import replay

#: Epochs that are shown at most, and while training waits for it.
_STEPS, _LIVE_STEPS = 400, 100


@dataclass(frozen=True)
class Words:
    """The word after each of the `epochs`, with each letter's share: after 0, which is before the
    first, 1, 2, ..., and after the last one, should those between be too many.

    `shares` are the probabilities of the letters that are said, (epochs, letters).
    """

    given: str
    wanted: str
    epochs: tuple[int, ...]
    said: tuple[str, ...]
    shares: np.ndarray
    losses: np.ndarray


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> Words | None:
    """The words; None for a model that gives no letter for each letter."""
    spec = context.data.spec
    if not spec.vocabulary or context.train.targets.ndim < 2:
        return None
    inputs, targets = context.batch(context.train, np.array([0]))
    said: list[str] = []
    shares: list[np.ndarray] = []
    losses: list[float] = []

    def observe(model: nn.Module, step: int, loss: float) -> None:
        with torch.no_grad():
            model.eval()
            outputs = model(inputs)
            model.train(model is not context.model)
        top = outputs[0].softmax(dim=0).max(dim=0)
        said.append("".join(spec.classes[i] for i in top.indices.tolist()))
        shares.append(top.values.cpu().numpy())
        losses.append(float(context.criterion(outputs, targets)))

    with torch.enable_grad():
        most = _LIVE_STEPS if context.is_live else _STEPS
        replay(context, min(context.step, most), observe)
    epochs = list(range(len(said)))
    if context.step > most:
        observe(context.model, context.step, float("nan"))
        epochs.append(context.epoch)
    return Words(
        given="".join(spec.vocabulary[i] for i in context.train.inputs[0]),
        wanted="".join(spec.classes[i] for i in context.train.targets[0]),
        epochs=tuple(epochs),
        said=tuple(said),
        shares=np.stack(shares),
        losses=np.array(losses),
    )
