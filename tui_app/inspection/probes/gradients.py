"""Computes the norm of the gradient at each layer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from tui_app.inspection.probe_context import ProbeContext, evenly_spaced_rows
from tui_app.training.build_model import build_model

_SAMPLES = 32


@dataclass(frozen=True)
class GradientSeries:
    """The norm of the gradient of each layer's weights, from the input to the output."""

    label: str
    norms: np.ndarray


@dataclass(frozen=True)
class Gradients:
    """The layers with weights, by name; the run's gradients, then those to compare with.

    `weights` are the norms of the weights themselves.
    """

    layers: tuple[str, ...]
    weights: np.ndarray
    series: tuple[GradientSeries, ...]
    loss: float


def probe(context: ProbeContext, query: str) -> Gradients:
    """The run's gradients; those of a model that may have shortcuts beside those of a model without
    and of one with them.

    Both models to compare with are untrained and have the same seed: they differ in nothing but the
    shortcuts, and a net too deep to learn is stuck from the start.
    """
    found, hp = run_gradients(context), context.settings.hyperparameters
    if not hasattr(hp, "shortcut"):
        return found
    series = list(found.series)
    for choice, label in (("none", "a plain net"), ("identity", "a residual net")):
        settings = replace(context.settings, hyperparameters=replace(hp, shortcut=choice))
        model, _ = build_model(settings.lecture, context.data, settings, context.device)
        _, norms, _ = _norms(context, model.eval(), _batch_rows(context))
        if len(norms) == len(found.layers):
            series.append(GradientSeries(label, norms))
    return replace(found, series=tuple(series))


def run_gradients(context: ProbeContext) -> Gradients:
    """The gradients of the run's model over a batch of the train set, in evaluation mode."""
    layers, norms, loss = _norms(context, context.model, _batch_rows(context))
    weights = [_norm([w.detach() for w in weights]) for _, weights in _layers(context.model)]
    return Gradients(layers, np.array(weights), (GradientSeries("now", norms),), loss)


def _batch_rows(context: ProbeContext) -> np.ndarray:
    return evenly_spaced_rows(context.train, _SAMPLES)


def gradient_norm(context: ProbeContext, rows: np.ndarray) -> float:
    """The norm of the model's gradient over these samples of the train set."""
    _, norms, _ = _norms(context, context.model, rows)
    return float(np.linalg.norm(norms))


def _layers(model: nn.Module) -> list[tuple[str, list[nn.Parameter]]]:
    """Every module that has weights itself, by name, with these weights."""
    found = []
    for name, module in model.named_modules():
        weights = [weight for weight in module.parameters(recurse=False) if weight.requires_grad]
        if weights and not isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            found.append((f"{name or 'model'} {type(module).__name__}".strip(), weights))
    return found


def _norms(
    context: ProbeContext, model: nn.Module, rows: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, float]:
    inputs, targets = context.batch(context.train, rows)
    layers = _layers(model)
    weights = [weight for _, of_layer in layers for weight in of_layer]
    # cuDNN's recurrent layers have no backward pass in evaluation mode.
    recurrent = [m for m in model.modules() if isinstance(m, nn.RNNBase) and not m.training]
    for module in recurrent:
        module.training = True
    try:
        with torch.enable_grad():
            loss = context.criterion(model(inputs), targets)
            found = torch.autograd.grad(loss, weights, allow_unused=True)
    finally:
        for module in recurrent:
            module.training = False
    gradients = iter(found)
    norms = [
        _norm([g for g in (next(gradients) for _ in of_layer) if g is not None])
        for _, of_layer in layers
    ]
    return tuple(name for name, _ in layers), np.array(norms), float(loss.detach())


def _norm(tensors: list[torch.Tensor]) -> float:
    return float(sum(float(tensor.cpu().double().square().sum()) for tensor in tensors)) ** 0.5
