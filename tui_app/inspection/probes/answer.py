"""What the model says to something that a person typed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tui_app.inspection.probe_context import ProbeContext
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
def probe(context: ProbeContext, query: str) -> Answer | None:
    """The answer; before anything was asked, only what may be. None where there are no classes."""
    spec, data = context.data.spec, context.data
    if not spec.classes or (context.split.targets.ndim > 1 and spec.task == "multiclass"):
        return None
    nothing = np.zeros(len(spec.classes))
    if not query:
        return Answer("", spec.classes, nothing, data.input_help)
    try:
        encoded = data.encode(query)
    except ValueError as error:
        return Answer(query, spec.classes, nothing, data.input_help, str(error))
    return answer_to(context, encoded, query)


@torch.no_grad()
def answer_to(context: ProbeContext, encoded: np.ndarray, asked: str) -> Answer:
    """The answer to what the data set's `encode` gave for one sample: a drawing, say."""
    sample = ready_sample(encoded, context.data, context.device)
    shares = class_probabilities(context.model(sample).cpu())[0].numpy()
    return Answer(asked, context.data.spec.classes, shares, context.data.input_help)
