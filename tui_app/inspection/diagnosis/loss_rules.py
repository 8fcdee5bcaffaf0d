"""Rules over the losses of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tui_app.inspection.diagnosis.changed_setting import Remedy, misset
from tui_app.inspection.diagnosis.observations import EPOCHS, Advice, Course, Look

#: How near to the base rate is at it, as a share of it.
_AT_BASE_RATE = 0.02

#: A loss that moves by more than this share of the base rate only passes it, on its way down.
_PASSING = 0.005

#: A loss that falls at every epoch, by this share in all, is on its way out, however slowly. But
#: through layers of sigmoids that way takes thousands of epochs.
_LEAVING = 3e-4

#: The rise of a test loss that matters, as a share of what knowing nothing costs.
_MATTERS = 0.1


def divergence(course: Course, look: Look) -> Advice | None:
    """The loss grows without end: the lr is too large."""
    losses = np.asarray(course.losses, float)
    finite = losses[np.isfinite(losses)]
    if len(finite) < 2 or len(finite) < 0.5 * len(losses):
        return None
    first = abs(float(finite[0])) or 1.0
    last = float(np.abs(finite[-3:]).max())
    has_overflowed = not np.isfinite(losses[-1]) and last > 10 * first
    if last <= 1e3 * first and not has_overflowed:
        return None
    remedy = _calmer(course, finite)
    return Advice(
        "divergence",
        f"The loss grew from {first:.3g} to {last:.3g}: at lr {course.lr:g} each step goes too "
        f"far. Try {remedy.words}",
        remedy.settings,
    )


def _calmer(course: Course, losses: np.ndarray) -> Remedy:
    """For a parabola, whose error each step multiplies by 1 - lr·c, the lr at which it shrinks
    fastest; else the setting that is far from the lecture's own.

    The losses of a parabola grow by (1 - lr·c)² a step; that gives the curvature c, and 1/c is the
    fastest lr. The steps of a network that diverges say little about its curvature.
    """
    growth = np.abs(losses[1:] / np.where(losses[:-1] == 0, np.nan, losses[:-1]))
    growth = growth[np.isfinite(growth) & (growth > 1)]
    factor = math.sqrt(float(np.median(growth))) if len(growth) else 9.0
    late = growth[-4:]
    is_parabola = len(late) == 4 and late.max() < 1.5 * late.min()
    fastest = float(f"{course.lr / (1 + factor):.1g}")
    back = misset(course)
    if back is not None and not (is_parabola and "lr" in back.settings):
        return back
    if course.usual and not is_parabola:
        fastest = max(fastest, float(f"{course.lr / 10:.1g}"))
    return Remedy({"lr": fastest}, f"lr {fastest:g}")


def not_a_number(course: Course, look: Look) -> Advice | None:
    """NaN without a growing loss before: log 0, 0/0, or a gap in the data."""
    losses = np.asarray(course.losses, float)
    sick = np.flatnonzero(~np.isfinite(losses))
    if not len(sick) or divergence(course, look) is not None:
        return None
    step = int(sick[0]) + 1
    if step == 1:
        return Advice(
            "not a number",
            "The very first loss is not a number: look for gaps (NaN) in the data, or a log of 0 "
            "in the model",
        )
    before = f"The loss was {losses[step - 2]:.3g} and is not a number from step {step} on"
    back = misset(course)
    if back is not None:
        return Advice("not a number", f"{before}. Try {back.words}", back.settings)
    return Advice(
        "not a number",
        f"{before}: a log of 0 or a division by 0; end the model in logits, or try lr "
        f"{course.lr / 10:g}",
        {"lr": course.lr / 10},
    )


def clamped_log(course: Course, look: Look) -> Advice | None:
    """BCELoss cuts log 0 at -100: a loss of 100 times a class's share is a dead network's."""
    losses = course.values("train_loss")
    if not len(losses) or course.reduction == "sum":
        return None
    shares = [100 * share for share in course.class_shares.values()]
    if losses[-1] > 5 and any(abs(losses[-1] - level) < 0.02 * level for level in shares):
        return Advice(
            "log 0",
            f"The loss stands at {losses[-1]:.2f}, 100 times the share of a class: the model says "
            "exactly 0 or 1, and log 0 is cut at -100. Leave the last layer without an activation",
        )
    return None


def stuck_at_base_rate(course: Course, look: Look) -> Advice | None:
    """The loss is the entropy of the classes' shares, the accuracy that of the largest class."""
    base, losses = course.base_rates.get("loss"), course.values("train_loss")
    if base is None or len(losses) < EPOCHS or look.is_constant:
        return None
    recent = losses[-max(EPOCHS, course.epochs_planned // 10) :]
    if abs(recent[-1] - recent[0]) > _PASSING * base:
        return None
    is_falling = recent[0] - recent[-1] > _LEAVING * base and (np.diff(recent) < 0).all()
    if is_falling and course.hyperparameters.get("activation") != "sigmoid":
        return None
    accuracy = course.last("accuracy")
    most = course.base_rates.get("accuracy", 1.0)
    is_better = accuracy is not None and accuracy > most + 0.03
    if is_better or np.abs(recent / base - 1).max() > _AT_BASE_RATE:
        return None
    settings, what = _livelier(course)
    return Advice(
        "stuck at the base rate",
        f"After {len(losses)} epochs the loss is {recent[-1]:.4f}, and knowing only how frequent "
        f"the classes are gives {base:.4f}: it has learned nothing else. Try {what}",
        settings,
    )


def _livelier(course: Course) -> tuple[Mapping[str, Any], str]:
    hp, back = course.hyperparameters, misset(course)
    if back is not None:
        return back.settings, back.words
    if hp.get("activation") == "sigmoid":
        return {"activation": "tanh"}, "--activation tanh: sigmoids pass on a quarter of a gradient"
    if hp.get("optimizer") == "sgd":
        return {"optimizer": "adam"}, "--optimizer adam, or an lr three times as large"
    return {"lr": 3 * course.lr}, f"lr {3 * course.lr:g}"


def plateau(course: Course, look: Look) -> Advice | None:
    """The loss hasn't moved for half of the run, while it is still far above what it could be."""
    losses = course.values("train_loss")
    if len(losses) < 4 * EPOCHS or stuck_at_base_rate(course, look) is not None:
        return None
    late = losses[len(losses) // 2 :]
    moved, first = float(late.max() - late.min()), float(losses[0])
    if late[-1] < 0.5 * first or moved > 0.005 * abs(float(late.mean())):
        return None
    accuracy = course.last("accuracy")
    if (accuracy is not None and accuracy > 0.9) or look.is_constant:
        return None
    larger = float(f"{3 * course.lr:.3g}")
    remedy = misset(course) or Remedy({"lr": larger}, f"lr {larger:g}, or another seed")
    return Advice(
        "plateau",
        f"The loss has stayed between {late.min():.4f} and {late.max():.4f} for {len(late)} epochs "
        f"and began at {first:.4f}: try {remedy.words}",
        remedy.settings,
    )


def overfitting(course: Course, look: Look) -> Advice | None:
    """The train loss goes on falling while the test loss has turned up for good."""
    name = next((n for n in ("validation_loss", "test_loss") if len(course.values(n))), None)
    train = course.values("train_loss")
    if name is None or len(train) < 2 * EPOCHS:
        return None
    other = course.values(name)
    best = int(other.argmin())
    after = len(other) - 1 - best
    if after < EPOCHS or other[-1] < 1.25 * other[best] + 0.02 or other[-1] < 3 * train[-1]:
        return None
    if train[-1] > train[min(best, len(train) - 1)]:
        return None
    if other[-1] - other[best] < _MATTERS * course.base_rates.get("loss", 0.0):
        return None
    where = name.removesuffix("_loss")
    return Advice(
        "overfitting",
        f"The {where} loss was lowest at epoch {best + 1} ({other[best]:.4f}) and is "
        f"{other[-1]:.4f} now, while the train loss fell to {train[-1]:.4f}: it learns its samples "
        "by heart. The best model is kept; try --early-stopping 5 or --weight-decay 1e-4",
        {"early_stopping": 5, "weight_decay": 1e-4},
    )
