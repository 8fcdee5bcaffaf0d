"""Holds what an lr finder found. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from tui_app.inspection.lr_finder.curve import Fall
from tui_app.inspection.lr_finder.limit import Limit
from tui_app.inspection.lr_finder.trial import Trial


@dataclass(frozen=True, kw_only=True)
class LrFinding:
    """What was found.

    The pass has a step for each of `lrs`, until its loss diverged; `losses` and `smoothed` are as
    long. `fall` is None if the loss never fell. `trial` trained at the suggested lr, and lowered
    the loss; it is None if none of the `trials` did. `limit` is None if training works up to the
    `highest` lr. `settings_lr` is the lr of the settings.
    """

    lrs: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    fall: Fall | None
    trial: Trial | None
    limit: Limit | None
    trials: tuple[Trial, ...]
    highest: float
    settings_lr: float
    device: str
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def suggestion(self) -> float | None:
        """The suggested lr."""
        return self.trial.lr if self.trial else None

    @property
    def choices(self) -> dict[str, float]:
        """The lrs to choose from by name, to three digits, the suggestion first; none if the loss
        falls at no lr.
        """
        if self.trial is None or self.fall is None:
            return {}
        chosen = {"suggestion": self.trial.lr}
        chosen |= {"valley": self.fall.valley, "steepest": self.fall.steepest}
        if self.limit is not None:
            chosen["below the limit"] = self.limit.trains
        return {name: float(f"{lr:.3g}") for name, lr in chosen.items()}
