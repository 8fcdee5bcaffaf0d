"""Detects that a run has diverged, by its losses or its weights, and says why it ends."""

from __future__ import annotations

import math

from tui_app.runs.exit_codes import ExitCode
from tui_app.training.best_models import RankedModel, is_finite
from tui_app.training.outcome import EndTraining, Outcome
from tui_app.training.state import Training

#: A run has diverged when a loss is this many times its first one.
_DIVERGED = 1e6


def divergence_limit(first_loss: float) -> float:
    """The loss beyond which a run has diverged that began with `first_loss`."""
    return _DIVERGED * (abs(first_loss) or 1.0)


def first_diverged(losses: tuple[float, ...], first_loss: float) -> int | None:
    """The index of the first loss that isn't finite, or is far above the run's first loss."""
    limit = divergence_limit(first_loss)
    diverged = (i for i, loss in enumerate(losses) if not math.isfinite(loss) or abs(loss) > limit)
    return next(diverged, None)


def end_by_loss(training: Training, loss: float, lr: float) -> EndTraining:
    """What to raise when the last step had this loss; `lr` is that of its block."""
    at = training.step, training.epoch + 1, training.best.best
    return EndTraining(Outcome("failed", loss_diverged_text(loss, lr, *at), ExitCode.FAILED))


def check_weights(training: Training) -> None:
    """Raise EndTraining unless all weights are finite: a step with a finite loss may have changed
    that.
    """
    if not training.ranks.agree(lambda: is_finite(training.model)):
        at = training.step, training.epoch + 1, training.best.best
        reason = weights_diverged_text(training.current_lr, *at)
        raise EndTraining(Outcome("failed", reason, ExitCode.FAILED))


def loss_diverged_text(
    loss: float, lr: float, step: int, epoch: int, best: RankedModel | None
) -> str:
    """Why a run ended whose loss diverged at `step` of `epoch`."""
    what = f"the loss is {loss:.3g}" if math.isfinite(loss) else "the loss is not a finite number"
    return (
        f"diverged at step {step} (epoch {epoch}): {what}. Most likely the learning rate, {lr:g}, "
        f"is too large for the data. {_kept_text(best)}"
    )


def weights_diverged_text(lr: float, step: int, epoch: int, best: RankedModel | None) -> str:
    """Why a run ended whose weights aren't finite after `step`, although its loss was."""
    return (
        f"diverged at step {step} (epoch {epoch}): the loss was finite, the weights no longer are. "
        f"Most likely the learning rate is too large for the data: it was {lr:g}, try {lr / 10:g}. "
        f"{_kept_text(best)}"
    )


def _kept_text(best: RankedModel | None) -> str:
    if best is None:
        return "There is no best model: none was evaluated before that"
    return f"The best model so far, of epoch {best.epoch}, is kept"
