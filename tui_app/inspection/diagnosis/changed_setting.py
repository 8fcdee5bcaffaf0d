"""The setting that is far from the lecture's own, where one is: the first thing to set back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.fields import InvalidValue
from tui_app.inspection.diagnosis.observations import Course
from tui_app.runs.settings import RunSettings

#: An lr that is larger or smaller than the lecture's own by more than these factors is suspected.
_TOO_LARGE, _TOO_SMALL = 2.0, 5.0

#: From here on a weight decay or a momentum is suspected, below it a limit of the gradient's norm.
_WEIGHT_DECAY, _MOMENTUM, _CLIP = 0.05, 0.98, 0.01

_NAMES = ("lr", "momentum", "weight_decay", "clip_grad_norm", "batch_size")


@dataclass(frozen=True)
class Remedy:
    """Settings to try, and the words for them: `Try` stands before these."""

    settings: Mapping[str, Any]
    words: str


def lecture_defaults(settings: RunSettings) -> dict[str, Any]:
    """The lecture's defaults for this data set, beside the choices that were made (optimizer,
    network, ...), of those settings that decide how far a step goes.
    """
    lecture = settings.lecture
    used = lecture.relevant_settings(settings.hyperparameters)
    choices = {
        name: used[name]
        for name, field in lecture.fields.items()
        if name in used and field.choices and isinstance(used[name], str) and name != "batch_size"
    }
    try:
        own = lecture.resolve(settings.dataset, choices)
    except InvalidValue:
        own = lecture.resolve(settings.dataset, {})
    return {name: getattr(own, name) for name in _NAMES if name in lecture.fields}


def misset(course: Course) -> Remedy | None:
    """The setting that is to be set back to the lecture's own; None when none is far from it."""
    usual = course.usual
    decay, momentum, clip = (
        float(course.hyperparameters.get(name) or 0.0)
        for name in ("weight_decay", "momentum", "clip_grad_norm")
    )
    if "weight_decay" in usual and decay >= _WEIGHT_DECAY and decay > 3 * usual["weight_decay"]:
        back = usual["weight_decay"]
        words = f"--weight-decay {back:g}: at {decay:g} it pulls every weight to 0"
        return Remedy({"weight_decay": back}, words)
    if "momentum" in usual and momentum >= _MOMENTUM and momentum > usual["momentum"]:
        back = usual["momentum"]
        times = 1 / (1 - momentum)
        words = f"--momentum {back:g}: {momentum:g} makes steps up to {times:.0f} times as long"
        return Remedy({"momentum": back}, words)
    if "clip_grad_norm" in usual and 0 < clip < _CLIP and clip != usual["clip_grad_norm"]:
        back = usual["clip_grad_norm"]
        words = f"--clip-grad-norm {back:g}: {clip:g} leaves steps hardly any length"
        return Remedy({"clip_grad_norm": back}, words)
    batch = course.hyperparameters.get("batch_size", "full")
    if course.hyperparameters.get("optimizer") == "lbfgs" and batch != "full":
        words = "--batch-size full: lbfgs goes by how the loss changes, and each batch has another"
        return Remedy({"batch_size": "full"}, words)
    lr = default_lr(course)
    if lr is not None and not lr / _TOO_SMALL <= course.lr <= lr * _TOO_LARGE:
        is_default = lr == course.usual["lr"]
        why = "the default here" if is_default else f"as suits batches of {batch}"
        return Remedy({"lr": lr}, f"lr {lr:g}, {why}")
    return None


def default_lr(course: Course) -> float | None:
    """The lecture's own lr, less for smaller batches than its own, whose gradients are noisier."""
    if not course.usual.get("lr"):
        return None
    lr = float(course.usual["lr"])
    sizes = [course.hyperparameters.get("batch_size"), course.usual.get("batch_size")]
    batch, own = (course.train_size if size == "full" else size for size in sizes)
    if course.reduction == "sum" or not batch or not own or batch >= own:
        return lr
    return float(f"{lr * (batch / own) ** 0.5:.1g}")
