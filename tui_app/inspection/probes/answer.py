"""What the model says to something that a person typed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tui_app.inspection.probe_runner import ProbeContext
from tui_app.inspection.probes.predictions import class_probabilities
from tui_app.training.batches import ready_sample


@dataclass(frozen=True)
class Answer:
    """Probabilities (classes,) for what was asked; `problem` where that can't be read."""

    asked: str
    classes: tuple[str, ...]
    probabilities: np.ndarray
    help: str
    problem: str = ""


@torch.no_grad()
def probe(subject: ProbeContext, ask: str) -> Answer | None:
    """The answer; before anything was asked, only what may be. None where there are no classes."""
    spec, data = subject.data.spec, subject.data
    if not spec.classes or (subject.split.targets.ndim > 1 and spec.task == "multiclass"):
        return None
    nothing = np.zeros(len(spec.classes))
    if not ask:
        return Answer("", spec.classes, nothing, data.input_help)
    try:
        encoded = data.encode(ask)
    except ValueError as error:
        return Answer(ask, spec.classes, nothing, data.input_help, str(error))
    return answer_to(subject, encoded, ask)


@torch.no_grad()
def answer_to(subject: ProbeContext, encoded: np.ndarray, asked: str) -> Answer:
    """The answer to what the data set's `encode` gave for one sample: a drawing, say."""
    sample = ready_sample(encoded, subject.data, subject.device)
    shares = class_probabilities(subject.model(sample).cpu())[0].numpy()
    return Answer(asked, subject.data.spec.classes, shares, subject.data.input_help)
