"""Observes a model and its data with probes."""

from __future__ import annotations

import numpy as np
import torch

from tui_app.inspection.diagnosis.observations import DataObservations, ModelObservations
from tui_app.inspection.probe_context import ProbeContext, evenly_spaced_rows
from tui_app.inspection.probes import activations, gradients

#: Samples whose outputs are compared, and the relative difference below which they are the same.
_SAMPLES, _SAME = 64, 1e-6


def observe_data(context: ProbeContext) -> DataObservations:
    """The classes' shares in the train set, and whether the test set is the same samples."""
    spec, train, test = context.data.spec, context.train, context.data.test
    shares = {}
    if spec.task != "regression" and len(spec.classes) > 1:
        numbers = train.targets.reshape(-1).astype(np.int64)
        counts = np.bincount(numbers, minlength=len(spec.classes))
        shares = dict(zip(spec.classes, (counts / counts.sum()).tolist(), strict=True))
    same = test is not None and test.inputs.shape == train.inputs.shape
    same = same and test is not None and bool((test.inputs == train.inputs).all())
    return DataObservations(shares, same)


def observe_model(context: ProbeContext, query: str = "") -> ModelObservations:
    """The model's activations, and its gradients where it has any. This is a probe."""
    lecture = context.settings.lecture
    layers, is_constant = activations.probe(context, ""), _is_constant(context)
    if lecture.backward is not None or "lr" not in lecture.fields:  # a search has no gradient
        return ModelObservations(layers, is_constant=is_constant)
    single = gradients.gradient_norm(context, evenly_spaced_rows(context.train, 1))
    return ModelObservations(layers, gradients.run_gradients(context), is_constant, single)


@torch.no_grad()
def _is_constant(context: ProbeContext) -> bool:
    """Whether the model gives the same output for all samples of a batch, up to rounding."""
    inputs, _ = context.batch(context.train, evenly_spaced_rows(context.train, _SAMPLES))
    if len(inputs) < 2 or bool((inputs == inputs[:1]).all()):
        return False
    outputs = context.model(inputs).double().flatten(1)
    spread = float((outputs - outputs[:1]).abs().max())
    return spread <= _SAME * max(1.0, float(outputs.abs().max()))
