"""Finds faults in the activations and gradients of a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tui_app.inspection.diagnosis.changed_setting import Remedy, reset_changed_setting
from tui_app.inspection.diagnosis.loss_rules import stuck_at_base_rate
from tui_app.inspection.diagnosis.observations import (
    EPOCHS,
    Advice,
    ModelObservations,
    RunObservations,
)

#: A neuron counts as dead if it gives 0 for this many samples: for few, many neurons do.
_MANY = 100


def dead_relus(run: RunObservations, model: ModelObservations) -> Advice | None:
    """Neurons that give 0 for every sample never get a gradient."""
    if run.train_size < _MANY:
        return None
    remedy = reset_changed_setting(run) or _revive_relus(run)
    for number, layer in enumerate(model.activations, start=1):
        if layer.kind == "ReLU" and layer.dead > 0.5:
            which = f"{100 * layer.dead:.0f} % of the {layer.neurons} ReLUs of layer {number} give"
            if layer.neurons == 1:
                which = f"The one ReLU of layer {number} gives"
            return Advice(
                "dead ReLUs",
                f"{which} 0 for every sample and can't learn any more. Try {remedy.words}",
                remedy.settings,
            )
    return None


def _revive_relus(run: RunObservations) -> Remedy:
    smaller = f"lr {run.lr / 10:g}"
    if run.hyperparameters.get("activation") == "relu":
        return Remedy({"activation": "leaky relu"}, f"--activation 'leaky relu', or {smaller}")
    return Remedy({"lr": run.lr / 10}, smaller)


def constant_output(run: RunObservations, model: ModelObservations) -> Advice | None:
    """The outputs are the same for every sample: no batch size changes that."""
    losses = run.values("train_loss")
    if not model.is_constant or not len(losses) or dead_relus(run, model) is not None:
        return None
    reset = reset_changed_setting(run)
    if reset is not None:
        what, settings = f"try {reset.words}", reset.settings
    else:
        what, settings = _why_constant(run, model)
    return Advice(
        "constant output",
        f"The model gives the same output for every sample, and the loss is {losses[-1]:.4g}: "
        f"{what}",
        settings,
    )


def _why_constant(run: RunObservations, model: ModelObservations) -> tuple[str, Mapping[str, Any]]:
    """What to do about a constant output when no setting is far from its default."""
    for number, layer in enumerate(model.activations, start=1):
        if layer.kind == "ReLU" and layer.dead == 1.0:
            remedy = _revive_relus(run)
            what = f"every ReLU of layer {number} gives 0 and can't learn any more. Try "
            return what + remedy.words, remedy.settings
    gradients = model.gradients
    if gradients is not None and not np.any(gradients.weights):
        return "all weights are 0, and so is every gradient. Begin with random weights", {}
    seed = int(run.hyperparameters.get("seed", 0)) + 1
    return (
        f"check that forward() passes its input through every layer, or try --seed {seed}",
        {"seed": seed},
    )


def saturated_activations(run: RunObservations, model: ModelObservations) -> Advice | None:
    """Saturated sigmoids and tanhs pass on almost no gradient."""
    for number, layer in enumerate(model.activations, start=1):
        accuracy = run.latest("accuracy")
        if layer.kind in ("Sigmoid", "Tanh") and layer.saturated > 0.8 and (accuracy or 0) < 0.9:
            other = "relu" if layer.kind == "Tanh" else "tanh"
            words = f"lr {run.lr / 10:g}"
            if "activation" in run.hyperparameters:
                words += f", or --activation {other}"
            remedy = reset_changed_setting(run) or Remedy({"lr": run.lr / 10}, words)
            return Advice(
                "saturated activations",
                f"{100 * layer.saturated:.0f} % of the outputs of layer {number} ({layer.kind}) "
                f"lie where its slope is below a tenth of its maximum. Try {remedy.words}",
                remedy.settings,
            )
    return None


def vanishing_gradients(run: RunObservations, model: ModelObservations) -> Advice | None:
    """Almost no gradient reaches the first layers."""
    first, largest = _first_and_largest_norm(model)
    if first is None or largest is None or model.gradients.loss < 0.05:
        return None
    if first >= 1e-4 * largest:
        return None
    is_dead = model.is_constant or dead_relus(run, model) is not None
    if first == 0 and is_dead:  # dead neurons pass on nothing
        return None
    remedy = _pass_gradients(run)
    return Advice(
        "vanishing gradients",
        f"The gradient norm of the first layer is {first:.1e}, the largest of a layer "
        f"{largest:.1e}: almost no gradient reaches the first layers. Try {remedy.words}",
        remedy.settings,
    )


def _pass_gradients(run: RunObservations) -> Remedy:
    """The setting that lets more of the gradient through, of those that the lecture has."""
    hp, reset = run.hyperparameters, reset_changed_setting(run)
    if reset is not None:
        return reset
    if hp.get("shortcut") == "none":
        return Remedy({"shortcut": "identity"}, "--shortcut identity")
    if hp.get("activation", "relu") != "relu":
        return Remedy({"activation": "relu"}, "--activation relu")
    if hp.get("cell", "gru") != "gru":
        return Remedy({"cell": "gru"}, "--cell gru, whose gates let gradients pass")
    words = f"lr {run.lr / 10:g}, in case the first steps were too large"
    return Remedy({"lr": run.lr / 10}, words)


def exploding_gradients(run: RunObservations, model: ModelObservations) -> Advice | None:
    """Gradients so large that one step moves the weights many times their norm."""
    if model.gradients is None:
        return None
    norms = model.gradients.series[0].norms
    largest = float(norms.max()) if np.isfinite(norms).all() else math.inf
    weights = float(np.linalg.norm(model.gradients.weights)) or 1.0
    if run.reduction == "sum" or largest * run.lr < 10 * weights:
        return None
    remedy = reset_changed_setting(run) or Remedy({"clip_grad_norm": 1.0}, "--clip-grad-norm 1")
    return Advice(
        "exploding gradients",
        f"A gradient has norm {largest:.1e}, and one step of lr {run.lr:g} would move the "
        f"weights (norm {weights:.2g}) by {largest * run.lr:.1e}: try {remedy.words}",
        remedy.settings,
    )


def saddle(run: RunObservations, model: ModelObservations) -> Advice | None:
    """Almost no gradient in any layer, though the loss isn't low and doesn't move."""
    losses = run.values("train_loss")
    if model.gradients is None or len(losses) < EPOCHS or model.is_constant:
        return None
    whole = float(np.linalg.norm(model.gradients.series[0].norms))
    is_low = losses[-1] < 0.5 * losses[0]
    if whole > 1e-4 or is_low or losses[-1] < 0.1 or stuck_at_base_rate(run, model) is not None:
        return None
    has_noise = model.single_sample_norm > 10 * whole
    remedy = reset_changed_setting(run) or _leave_flat_region(run, has_noise=has_noise)
    return Advice(
        "saddle",
        f"The gradient's norm is {whole:.1e} while the loss is {losses[-1]:.4f}: a flat "
        f"region, not a minimum. Try {remedy.words}",
        remedy.settings,
    )


def _leave_flat_region(run: RunObservations, *, has_noise: bool) -> Remedy:
    """More noise in the gradient, where single samples have any; else another seed."""
    hp = run.hyperparameters
    size = hp.get("batch_size", 1)
    batch = run.train_size if size == "full" else int(size)
    if has_noise and batch > 1:
        smaller = max(1, batch // 8)
        words = f"--batch-size {smaller}: the noise of smaller batches helps to leave it"
        return Remedy({"batch_size": smaller}, words)
    if has_noise and hp.get("momentum") == 0.0:
        return Remedy({"momentum": 0.9}, "--momentum 0.9")
    seed = int(hp.get("seed", 0)) + 1
    return Remedy({"seed": seed}, f"--seed {seed}, which starts from other weights")


def _first_and_largest_norm(model: ModelObservations) -> tuple[float | None, float | None]:
    if model.gradients is None or len(model.gradients.series[0].norms) < 2:
        return None, None
    norms = model.gradients.series[0].norms
    return float(norms[0]), float(norms.max())
