"""Rules that need a look at the model: its activations and gradients."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tui_app.inspection.diagnosis.changed_setting import Remedy, misset
from tui_app.inspection.diagnosis.loss_rules import stuck_at_base_rate
from tui_app.inspection.diagnosis.observations import EPOCHS, Advice, Course, Look

#: Samples for which a neuron has to give 0 before it is called dead: of few, many do.
_MANY = 100


def dead_relus(course: Course, look: Look) -> Advice | None:
    """Neurons that give 0 for every sample get no gradient, ever."""
    if course.train_size < _MANY:
        return None
    remedy = misset(course) or _without_dead_ones(course)
    for number, layer in enumerate(look.activations, start=1):
        if layer.kind == "ReLU" and layer.dead > 0.5:
            which = f"{100 * layer.dead:.0f} % of the {layer.neurons} ReLUs of layer {number} give"
            if layer.neurons == 1:
                which = f"The one ReLU of layer {number} gives"
            return Advice(
                "dead ReLUs",
                f"{which} 0 for every sample, and so never learn again. Try {remedy.words}",
                remedy.settings,
            )
    return None


def _without_dead_ones(course: Course) -> Remedy:
    smaller = f"lr {course.lr / 10:g}"
    if course.hyperparameters.get("activation") == "relu":
        return Remedy({"activation": "leaky relu"}, f"--activation 'leaky relu', or {smaller}")
    return Remedy({"lr": course.lr / 10}, smaller)


def constant(course: Course, look: Look) -> Advice | None:
    """The outputs are the same for every sample: no size of the batches changes that."""
    losses = course.values("train_loss")
    if not look.is_constant or not len(losses) or dead_relus(course, look) is not None:
        return None
    back = misset(course)
    if back is not None:
        what, settings = f"try {back.words}", back.settings
    else:
        what, settings = _why_constant(course, look)
    return Advice(
        "constant output",
        f"The model gives the same output for every sample, and the loss stands at "
        f"{losses[-1]:.4g}: {what}",
        settings,
    )


def _why_constant(course: Course, look: Look) -> tuple[str, Mapping[str, Any]]:
    """What to do about a net whose outputs are constant, at settings that are as they should be."""
    for number, layer in enumerate(look.activations, start=1):
        if layer.kind == "ReLU" and layer.dead == 1.0:
            remedy = _without_dead_ones(course)
            what = f"every ReLU of layer {number} gives 0, and never learns again. Try "
            return what + remedy.words, remedy.settings
    gradients = look.gradients
    if gradients is not None and not np.any(gradients.weights):
        return "all weights are 0, and so is every gradient. Begin with random weights", {}
    seed = int(course.hyperparameters.get("seed", 0)) + 1
    return (
        f"see that forward() passes its input on through every layer, or try --seed {seed}",
        {"seed": seed},
    )


def saturated(course: Course, look: Look) -> Advice | None:
    """Sigmoids and tanhs at their flat ends pass on almost no gradient."""
    for number, layer in enumerate(look.activations, start=1):
        accuracy = course.last("accuracy")
        if layer.kind in ("Sigmoid", "Tanh") and layer.flat > 0.8 and (accuracy or 0) < 0.9:
            other = "relu" if layer.kind == "Tanh" else "tanh"
            words = f"lr {course.lr / 10:g}"
            if "activation" in course.hyperparameters:
                words += f", or --activation {other}"
            remedy = misset(course) or Remedy({"lr": course.lr / 10}, words)
            return Advice(
                "saturated activations",
                f"{100 * layer.flat:.0f} % of the outputs of layer {number} ({layer.kind}) lie "
                f"where its slope is below a tenth: try {remedy.words}",
                remedy.settings,
            )
    return None


def vanishing(course: Course, look: Look) -> Advice | None:
    """Hardly anything of the loss reaches the first layers."""
    first, last = _ends(look)
    if first is None or last is None or look.gradients.loss < 0.05 or first >= 1e-4 * last:
        return None
    is_dead = look.is_constant or dead_relus(course, look) is not None
    if first == 0 and is_dead:  # nothing passes the dead ones
        return None
    settings, what = _passing_more(course)
    return Advice(
        "vanishing gradients",
        f"The gradient of the first layer is {first:.1e}, that of the last {last:.1e}: what is "
        f"learned at the end doesn't reach the beginning. Try {what}",
        settings,
    )


def _passing_more(course: Course) -> tuple[Mapping[str, Any], str]:
    """The setting that lets more of a gradient through, of those that the lecture has."""
    hp, back = course.hyperparameters, misset(course)
    if back is not None:
        return back.settings, back.words
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
    remedy = misset(course) or Remedy({"clip_grad_norm": 1.0}, "--clip-grad-norm 1")
    return Advice(
        "exploding gradients",
        f"A gradient has norm {largest:.1e}, and one step of lr {course.lr:g} would move the "
        f"weights (norm {weights:.2g}) by {largest * course.lr:.1e}: try {remedy.words}",
        remedy.settings,
    )


def saddle(course: Course, look: Look) -> Advice | None:
    """Hardly any gradient anywhere, though the loss is not low and does not move."""
    losses = course.values("train_loss")
    if look.gradients is None or len(losses) < EPOCHS or look.is_constant:
        return None
    whole = float(np.linalg.norm(look.gradients.series[0].norms))
    is_low = losses[-1] < 0.5 * losses[0]
    if whole > 1e-4 or is_low or losses[-1] < 0.1 or stuck_at_base_rate(course, look) is not None:
        return None
    remedy = misset(course) or _leaving(course, has_noise=look.of_one > 10 * whole)
    return Advice(
        "saddle",
        f"The gradient's norm is {whole:.1e} while the loss stands at {losses[-1]:.4f}: a flat "
        f"place, not a minimum. Try {remedy.words}",
        remedy.settings,
    )


def _leaving(course: Course, *, has_noise: bool) -> Remedy:
    """The way out of a flat place: the noise of smaller batches, where single samples have any."""
    hp = course.hyperparameters
    size = hp.get("batch_size", 1)
    batch = course.train_size if size == "full" else int(size)
    if has_noise and batch > 1:
        smaller = max(1, batch // 8)
        words = f"--batch-size {smaller}: the noise of smaller batches leads out of it"
        return Remedy({"batch_size": smaller}, words)
    if has_noise and hp.get("momentum") == 0.0:
        return Remedy({"momentum": 0.9}, "--momentum 0.9")
    seed = int(hp.get("seed", 0)) + 1
    return Remedy({"seed": seed}, f"--seed {seed}, which begins elsewhere")


def _ends(look: Look) -> tuple[float | None, float | None]:
    if look.gradients is None or len(look.gradients.series[0].norms) < 2:
        return None, None
    norms = look.gradients.series[0].norms
    return float(norms[0]), float(norms.max())
