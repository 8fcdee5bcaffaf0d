"""Finds faults in the losses of a run."""

from __future__ import annotations

import math

import numpy as np

from tui_app.inspection.diagnosis.changed_setting import Remedy, reset_changed_setting
from tui_app.inspection.diagnosis.observations import (
    EPOCHS,
    Advice,
    ModelObservations,
    RunObservations,
)

#: A loss within this share of the base rate counts as at it.
_AT_BASE_RATE = 0.02

#: A loss that moves by more than this share of the base rate is only passing it on its way down.
_PASSING = 0.005

#: A loss that falls at every epoch, by this share in total, is leaving the base rate, however
#: slowly. Through layers of sigmoids that takes thousands of epochs.
_LEAVING = 3e-4

#: A smaller rise of the test loss doesn't matter, as a share of the loss at chance level.
_MATTERS = 0.1


def divergence(run: RunObservations, model: ModelObservations) -> Advice | None:
    """The loss grows without bound: the lr is too large."""
    losses = np.asarray(run.losses, float)
    finite = losses[np.isfinite(losses)]
    if len(finite) < 2 or len(finite) < 0.5 * len(losses):
        return None
    first = abs(float(finite[0])) or 1.0
    last = float(np.abs(finite[-3:]).max())
    has_overflowed = not np.isfinite(losses[-1]) and last > 10 * first
    if last <= 1e3 * first and not has_overflowed:
        return None
    remedy = _smaller_steps(run, finite)
    return Advice(
        "divergence",
        f"The loss grew from {first:.3g} to {last:.3g}: at lr {run.lr:g} each step "
        f"overshoots. Try {remedy.words}",
        remedy.settings,
    )


def _smaller_steps(run: RunObservations, losses: np.ndarray) -> Remedy:
    """The fastest lr where the cost is a parabola; else the setting that is far from its default.

    On a parabola of curvature c, each step multiplies the error by 1 - lr·c and the loss by its
    square. The growth of the loss gives c, and 1/c is the fastest lr. The steps of a diverging
    network say little about its curvature.
    """
    growth = np.abs(losses[1:] / np.where(losses[:-1] == 0, np.nan, losses[:-1]))
    growth = growth[np.isfinite(growth) & (growth > 1)]
    factor = math.sqrt(float(np.median(growth))) if len(growth) else 9.0
    late = growth[-4:]
    is_parabola = len(late) == 4 and late.max() < 1.5 * late.min()
    fastest = float(f"{run.lr / (1 + factor):.1g}")
    reset = reset_changed_setting(run)
    if reset is not None and not (is_parabola and "lr" in reset.settings):
        return reset
    if run.defaults and not is_parabola:
        fastest = max(fastest, float(f"{run.lr / 10:.1g}"))
    return Remedy({"lr": fastest}, f"lr {fastest:g}")


def not_a_number(run: RunObservations, model: ModelObservations) -> Advice | None:
    """The loss becomes NaN without growing first: log 0, 0/0, or a gap in the data."""
    losses = np.asarray(run.losses, float)
    faulty = np.flatnonzero(~np.isfinite(losses))
    if not len(faulty) or divergence(run, model) is not None:
        return None
    step = int(faulty[0]) + 1
    if step == 1:
        return Advice(
            "not a number",
            "The very first loss is not a number: look for gaps (NaN) in the data, or a log of 0 "
            "in the model",
        )
    before = f"The loss was {losses[step - 2]:.3g} and is not a number from step {step} on"
    reset = reset_changed_setting(run)
    if reset is not None:
        return Advice("not a number", f"{before}. Try {reset.words}", reset.settings)
    return Advice(
        "not a number",
        f"{before}: a log of 0 or a division by 0. Let the model output logits, or try lr "
        f"{run.lr / 10:g}",
        {"lr": run.lr / 10},
    )


def clamped_log(run: RunObservations, model: ModelObservations) -> Advice | None:
    """The loss is 100 times a class's share: the output is constant, and BCELoss clamps log 0."""
    losses = run.values("train_loss")
    if not len(losses) or run.reduction == "sum":
        return None
    shares = [100 * share for share in run.data.class_shares.values()]
    if losses[-1] > 5 and any(abs(losses[-1] - level) < 0.02 * level for level in shares):
        return Advice(
            "log 0",
            f"The loss is {losses[-1]:.2f}, 100 times the share of a class: the model outputs "
            "exactly 0 or 1, and BCELoss clamps log 0 at -100. Leave the last layer without an "
            "activation",
        )
    return None


def stuck_at_base_rate(run: RunObservations, model: ModelObservations) -> Advice | None:
    """The loss is the entropy of the class frequencies, the accuracy that of the largest class."""
    base, losses = run.base_rates.get("loss"), run.values("train_loss")
    if base is None or len(losses) < EPOCHS or model.is_constant:
        return None
    recent = losses[-max(EPOCHS, run.epochs_planned // 10) :]
    if abs(recent[-1] - recent[0]) > _PASSING * base:
        return None
    is_falling = recent[0] - recent[-1] > _LEAVING * base and (np.diff(recent) < 0).all()
    if is_falling and run.hyperparameters.get("activation") != "sigmoid":
        return None
    accuracy = run.latest("accuracy")
    most = run.base_rates.get("accuracy", 1.0)
    is_better = accuracy is not None and accuracy > most + 0.03
    if is_better or np.abs(recent / base - 1).max() > _AT_BASE_RATE:
        return None
    remedy = _larger_steps(run)
    return Advice(
        "stuck at the base rate",
        f"After {len(losses)} epochs the loss is {recent[-1]:.4f}. Predicting the class "
        f"frequencies gives {base:.4f}: the model has learned nothing else. Try {remedy.words}",
        remedy.settings,
    )


def _larger_steps(run: RunObservations) -> Remedy:
    """Settings that let a stuck network move, and the words for them."""
    hp, reset = run.hyperparameters, reset_changed_setting(run)
    if reset is not None:
        return reset
    if hp.get("activation") == "sigmoid":
        words = "--activation tanh: a sigmoid passes on at most a quarter of a gradient"
        return Remedy({"activation": "tanh"}, words)
    if hp.get("optimizer") == "sgd":
        return Remedy({"optimizer": "adam"}, "--optimizer adam, or an lr three times as large")
    return Remedy({"lr": 3 * run.lr}, f"lr {3 * run.lr:g}")


def plateau(run: RunObservations, model: ModelObservations) -> Advice | None:
    """The loss hasn't moved for half of the run and is still above half of the first loss."""
    losses = run.values("train_loss")
    if len(losses) < 4 * EPOCHS or stuck_at_base_rate(run, model) is not None:
        return None
    late = losses[len(losses) // 2 :]
    moved, first = float(late.max() - late.min()), float(losses[0])
    if late[-1] < 0.5 * first or moved > 0.005 * abs(float(late.mean())):
        return None
    accuracy = run.latest("accuracy")
    if (accuracy is not None and accuracy > 0.9) or model.is_constant:
        return None
    larger = float(f"{3 * run.lr:.3g}")
    remedy = reset_changed_setting(run) or Remedy({"lr": larger}, f"lr {larger:g}, or another seed")
    return Advice(
        "plateau",
        f"The loss has stayed between {late.min():.4f} and {late.max():.4f} for {len(late)} "
        f"epochs; it started at {first:.4f}. Try {remedy.words}",
        remedy.settings,
    )


def overfitting(run: RunObservations, model: ModelObservations) -> Advice | None:
    """The train loss still falls while the test loss has risen since its minimum."""
    name = next((n for n in ("validation_loss", "test_loss") if len(run.values(n))), None)
    train = run.values("train_loss")
    if name is None or len(train) < 2 * EPOCHS:
        return None
    other = run.values(name)
    best = int(other.argmin())
    after = len(other) - 1 - best
    if after < EPOCHS or other[-1] < 1.25 * other[best] + 0.02 or other[-1] < 3 * train[-1]:
        return None
    if train[-1] > train[min(best, len(train) - 1)]:
        return None
    if other[-1] - other[best] < _MATTERS * run.base_rates.get("loss", 0.0):
        return None
    where = name.removesuffix("_loss")
    return Advice(
        "overfitting",
        f"The {where} loss was lowest at epoch {best + 1} ({other[best]:.4f}) and is "
        f"{other[-1]:.4f} now, while the train loss fell to {train[-1]:.4f}: the model memorises "
        "its samples. The best model is kept; try --early-stopping 5 or --weight-decay 1e-4",
        {"early_stopping": 5, "weight_decay": 1e-4},
    )
