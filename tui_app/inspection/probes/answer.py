"""Predicts the class of an input that the user typed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.predictions import class_probabilities
from tui_app.training.data.device_split import ready_sample


@dataclass(frozen=True)
class InputPrediction:
    """Probabilities (classes,) for the `input`, which is empty before the user types one; `problem`
    says why it can't be read. `input_help` says what may be typed.
    """

    input: str
    classes: tuple[str, ...]
    probabilities: np.ndarray
    input_help: str
    problem: str = ""


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> InputPrediction | None:
    """The prediction for the query, if there is one. None where a sample has no single class."""
    spec, data = context.data.spec, context.data
    if not spec.classes or context.is_sequence:
        return None
    zeros = np.zeros(len(spec.classes))
    if not query:
        return InputPrediction("", spec.classes, zeros, data.input_help)
    try:
        encoded = data.encode(query)
    except ValueError as error:
        return InputPrediction(query, spec.classes, zeros, data.input_help, str(error))
    return predict_encoded(context, encoded, query)


@torch.no_grad()
def predict_encoded(context: ProbeContext, encoded: np.ndarray, text: str) -> InputPrediction:
    """The prediction for one sample as the data set's `encode` returns it, such as a drawing."""
    sample = ready_sample(encoded, context.data, context.device)
    shares = class_probabilities(context.model(sample).cpu())[0].numpy()
    return InputPrediction(text, context.data.spec.classes, shares, context.data.input_help)
