"""Rules that need a look at the model: its activations and gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tui_app.training.diagnosis.course import EPOCHS, Advice, Course, Look
from tui_app.training.diagnosis.of_losses import stuck_at_base_rate

#: Samples for which a neuron has to give 0 before it is called dead: of few, many do.
_MANY = 100


def dead_relus(course: Course, look: Look) -> Advice | None:
    """Neurons that give 0 for every sample get no gradient, ever."""
    if course.train_size < _MANY:
        return None
    settings: dict[str, Any] = {"lr": course.lr / 10}
    what = f"lr {course.lr / 10:g}"
    if "activation" in course.hyperparameters:
        settings, what = {"activation": "leaky relu"}, f"--activation 'leaky relu', or {what}"
    for number, layer in enumerate(look.activations, start=1):
        if layer.kind == "ReLU" and layer.dead > 0.5:
            return Advice(
                "dead ReLUs",
                f"{100 * layer.dead:.0f} % of the {layer.neurons} ReLUs of layer {number} give 0 "
                f"for every sample, and so never learn again. Try {what}",
                settings,
            )
    return None


def saturated(course: Course, look: Look) -> Advice | None:
    """Sigmoids and tanhs at their flat ends pass on almost no gradient."""
    for number, layer in enumerate(look.activations, start=1):
        accuracy = course.last("accuracy")
        if layer.kind in ("Sigmoid", "Tanh") and layer.flat > 0.8 and (accuracy or 0) < 0.9:
            other = "relu" if layer.kind == "Tanh" else "tanh"
            return Advice(
                "saturated activations",
                f"{100 * layer.flat:.0f} % of the outputs of layer {number} ({layer.kind}) lie "
                f"where its slope is below a tenth: try lr {course.lr / 10:g}, or --activation "
                f"{other}",
                {"lr": course.lr / 10},
            )
    return None


def vanishing(course: Course, look: Look) -> Advice | None:
    """Hardly anything of the loss reaches the first layers."""
    first, last = _ends(look)
    if first is None or last is None or look.gradients.loss < 0.05 or first >= 1e-4 * last:
        return None
    if first == 0 and dead_relus(course, look) is not None:  # nothing passes the dead ones
        return None
    settings, what = _passing_more(course)
    return Advice(
        "vanishing gradients",
        f"The gradient of the first layer is {first:.1e}, that of the last {last:.1e}: what is "
        f"learned at the end doesn't reach the beginning. Try {what}",
        settings,
    )


def _passing_more(course: Course) -> tuple[dict[str, Any], str]:
    """The setting that lets more of a gradient through, of those that the lecture has."""
    hp = course.hyperparameters
    if hp.get("shortcut") == "none":
        return {"shortcut": "identity"}, "--shortcut identity"
    if hp.get("activation", "relu") != "relu":
        return {"activation": "relu"}, "--activation relu"
    if hp.get("cell", "gru") != "gru":
        return {"cell": "gru"}, "--cell gru, whose gates keep a way open"
    return {"lr": course.lr / 10}, f"lr {course.lr / 10:g}, should it have gone too far at first"


def exploding(course: Course, look: Look) -> Advice | None:
    """Gradients so large that a step goes anywhere."""
    if look.gradients is None:
        return None
    norms = look.gradients.series[0].norms
    largest = float(norms.max()) if np.isfinite(norms).all() else math.inf
    weights = float(np.linalg.norm(look.gradients.weights)) or 1.0
    if course.reduction == "sum" or largest * course.lr < 10 * weights:
        return None
    return Advice(
        "exploding gradients",
        f"A gradient has norm {largest:.1e}, and one step of lr {course.lr:g} would move the "
        f"weights (norm {weights:.2g}) by {largest * course.lr:.1e}: try --clip-grad-norm 1",
        {"clip_grad_norm": 1.0},
    )


def saddle(course: Course, look: Look) -> Advice | None:
    """Hardly any gradient anywhere, though the loss is not low and does not move."""
    losses = course.values("train_loss")
    if look.gradients is None or len(losses) < EPOCHS:
        return None
    whole = float(np.linalg.norm(look.gradients.series[0].norms))
    is_low = losses[-1] < 0.5 * losses[0]
    if whole > 1e-4 or is_low or losses[-1] < 0.1 or stuck_at_base_rate(course, look) is not None:
        return None
    settings: dict[str, Any] = {"batch_size": 1}
    what = "batches of one sample, whose noise leads out of it"
    if course.hyperparameters.get("momentum") == 0.0:
        settings, what = {"momentum": 0.9}, "smaller batches, whose noise leads out of it, or "
        what += "--momentum 0.9"
    return Advice(
        "saddle",
        f"The gradient's norm is {whole:.1e} while the loss stands at {losses[-1]:.4f}: a flat "
        f"place, not a minimum. Try {what}",
        settings,
    )


def _ends(look: Look) -> tuple[float | None, float | None]:
    if look.gradients is None or len(look.gradients.series[0].norms) < 2:
        return None, None
    norms = look.gradients.series[0].norms
    return float(norms[0]), float(norms.max())
