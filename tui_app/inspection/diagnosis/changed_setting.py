"""Finds a setting that is far from the lecture's default: the first one to reset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.fields import InvalidValue
from tui_app.inspection.diagnosis.observations import RunObservations
from tui_app.runs.settings.run_settings import RunSettings

#: An lr is suspect if it exceeds the default, or falls short of it, by more than these factors.
_TOO_LARGE, _TOO_SMALL = 2.0, 5.0

#: Weight decay and momentum are suspect from these values on, gradient clipping below this norm.
_WEIGHT_DECAY, _MOMENTUM, _CLIP = 0.05, 0.98, 0.01

#: The settings that decide the size of a step.
_NAMES = ("lr", "momentum", "weight_decay", "clip_grad_norm", "batch_size")


@dataclass(frozen=True)
class Remedy:
    """Settings to try, and the words that follow `Try` in the advice."""

    settings: Mapping[str, Any]
    words: str


def lecture_defaults(settings: RunSettings) -> dict[str, Any]:
    """The lecture's defaults of the settings that decide the size of a step, for this data set and
    the choices that were made (optimizer, network, ...).
    """
    lecture = settings.lecture
    used = lecture.relevant_settings(settings.hyperparameters)
    choices = {
        name: used[name]
        for name, field in lecture.fields.items()
        if name in used and field.choices and isinstance(used[name], str) and name != "batch_size"
    }
    try:
        defaults = lecture.resolve(settings.dataset, choices)
    except InvalidValue:
        defaults = lecture.resolve(settings.dataset, {})
    return {name: getattr(defaults, name) for name in _NAMES if name in lecture.fields}


def reset_changed_setting(run: RunObservations) -> Remedy | None:
    """The setting to reset to the lecture's default; None when none is far from it."""
    defaults = run.defaults
    decay, momentum, clip = (
        float(run.hyperparameters.get(name) or 0.0)
        for name in ("weight_decay", "momentum", "clip_grad_norm")
    )
    default = defaults.get("weight_decay")
    if default is not None and decay >= _WEIGHT_DECAY and decay > 3 * default:
        words = f"--weight-decay {default:g}: {decay:g} pulls every weight to 0"
        return Remedy({"weight_decay": default}, words)
    default = defaults.get("momentum")
    if default is not None and momentum >= _MOMENTUM and momentum > default:
        times = 1 / (1 - momentum)
        words = f"--momentum {default:g}: {momentum:g} makes steps up to {times:.0f} times as long"
        return Remedy({"momentum": default}, words)
    default = defaults.get("clip_grad_norm")
    if default is not None and 0 < clip < _CLIP and clip != default:
        words = f"--clip-grad-norm {default:g}: {clip:g} makes every step almost 0"
        return Remedy({"clip_grad_norm": default}, words)
    batch = run.hyperparameters.get("batch_size", "full")
    if run.hyperparameters.get("optimizer") == "lbfgs" and batch != "full":
        words = "--batch-size full: lbfgs compares losses, which differ from batch to batch"
        return Remedy({"batch_size": "full"}, words)
    lr = default_lr(run)
    if lr is not None and not lr / _TOO_SMALL <= run.lr <= lr * _TOO_LARGE:
        is_default = lr == run.defaults["lr"]
        why = "the default here" if is_default else f"which suits batches of {batch}"
        return Remedy({"lr": lr}, f"lr {lr:g}, {why}")
    return None


def default_lr(run: RunObservations) -> float | None:
    """The lecture's default lr, scaled down for batches smaller than its default, whose gradients
    are noisier.
    """
    if not run.defaults.get("lr"):
        return None
    lr = float(run.defaults["lr"])
    sizes = [run.hyperparameters.get("batch_size"), run.defaults.get("batch_size")]
    batch, default = (run.train_size if size == "full" else size for size in sizes)
    if run.reduction == "sum" or not batch or not default or batch >= default:
        return lr
    return float(f"{lr * (batch / default) ** 0.5:.1g}")
