"""Lecture 12: which word the network says after each epoch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tui_app.training.replay import replay
from tui_app.training.snapshot import Subject

#: Epochs that are shown at most, and while training waits for it.
_STEPS, _LIVE_STEPS = 400, 100


@dataclass(frozen=True)
class Words:
    """The word after each epoch, (epochs + 1) from before the first, with each letter's share.

    `shares` are the probabilities of the letters that are said, (epochs + 1, letters).
    """

    given: str
    wanted: str
    said: tuple[str, ...]
    shares: np.ndarray
    losses: np.ndarray


@torch.no_grad()
def probe(subject: Subject, ask: str) -> Words | None:
    """The words; None for a model that gives no letter for each letter."""
    spec = subject.data.spec
    if not spec.vocabulary or subject.train.targets.ndim < 2:
        return None
    inputs, targets = subject.batch(subject.train, np.array([0]))
    said: list[str] = []
    shares: list[np.ndarray] = []
    losses: list[float] = []

    def observe(model: nn.Module, step: int, loss: float) -> None:
        with torch.no_grad():
            model.eval()
            outputs = model(inputs)
            model.train()
        top = outputs[0].softmax(dim=0).max(dim=0)
        said.append("".join(spec.classes[i] for i in top.indices.tolist()))
        shares.append(top.values.cpu().numpy())
        losses.append(float(subject.criterion(outputs, targets)))

    with torch.enable_grad():
        most = _LIVE_STEPS if subject.is_live else _STEPS
        replay(subject, min(subject.step, most), observe)
    return Words(
        given="".join(spec.vocabulary[i] for i in subject.train.inputs[0]),
        wanted="".join(spec.classes[i] for i in subject.train.targets[0]),
        said=tuple(said),
        shares=np.stack(shares),
        losses=np.array(losses),
    )
