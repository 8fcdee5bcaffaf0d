"""Steps between two looks at the device: their losses stay there until the block is over."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from tui_app.training.best_models import Best

#: Seconds of steps in a block.
_SECONDS = 0.1

#: A loss this many times the first one has diverged.
_DIVERGED = 1e6


@dataclass(frozen=True)
class Closed:
    """The losses of a block, the samples of each step, and the lr at its first step."""

    losses: tuple[float, ...]
    sizes: tuple[int, ...]
    lr: float


class Block:
    """The steps taken since the last block was closed."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []
        self._sizes: list[int] = []
        self._lr = 0.0
        self._begun = 0.0
        self._most = 1  # a person who waits sees the very first loss at once

    def add(self, loss: Tensor, size: int, lr: float) -> None:
        """Count a step of `size` samples; its loss is not waited for."""
        if not self._losses:
            self._lr, self._begun = lr, time.monotonic()
        self._losses.append(loss)
        self._sizes.append(size)

    @property
    def is_due(self) -> bool:
        """Whether it is time to close the block. A GPU's steps count by what the last ones took:
        it is given them faster than it takes them, and whoever pauses would wait for all of them.
        """
        return len(self._losses) >= self._most or time.monotonic() - self._begun >= _SECONDS

    def close(self) -> Closed | None:
        """Wait for the losses and begin a new block; None when no step was taken."""
        if not self._losses:
            return None
        stacked = torch.stack(self._losses).float().cpu().numpy()
        # The shortest digits that still mean this float32: half as long as those of a float64.
        closed = Closed(tuple(float(str(loss)) for loss in stacked), tuple(self._sizes), self._lr)
        took = max(time.monotonic() - self._begun, 1e-9)
        self._most = max(1, min(10 * len(self._losses), int(_SECONDS * len(self._losses) / took)))
        self._losses, self._sizes = [], []
        return closed


def first_diverged(losses: tuple[float, ...], first_loss: float) -> int | None:
    """Which of `losses` is the first that is not finite, or far above the run's first loss."""
    limit = _DIVERGED * (abs(first_loss) or 1.0)
    sick = (i for i, loss in enumerate(losses) if not math.isfinite(loss) or abs(loss) > limit)
    return next(sick, None)


def diagnosis(loss: float, lr: float, step: int, epoch: int, best: Best | None) -> str:
    """What to say of a run that diverged with `loss` at `step` of `epoch`, and has a best model."""
    what = f"the loss is {loss:.3g}" if math.isfinite(loss) else "the loss is not a finite number"
    return (
        f"diverged at step {step} (epoch {epoch}): {what}. Mostly the learning rate, {lr:g}, is "
        f"too large for the data. {_kept(best)}"
    )


def weights_diverged_text(lr: float, step: int, epoch: int, best: Best | None) -> str:
    """What to say of a run whose weights are not finite after `step`, though its loss was."""
    return (
        f"diverged at step {step} (epoch {epoch}): the loss was finite, the weights no longer are. "
        f"Mostly the learning rate is too large for the data: it was {lr:g}, try {lr / 10:g}. "
        f"{_kept(best)}"
    )


def _kept(best: Best | None) -> str:
    if best is None:
        return "It has no best model: none was measured before that"
    return f"The best model so far, of epoch {best.epoch}, is kept"
