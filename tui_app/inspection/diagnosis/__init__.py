"""Diagnoses a run: says in a sentence with numbers what is wrong, and what to try.

Each rule is a small function of what was observed of a run and of its model. It returns None if it
finds nothing. With the thresholds as they are, the lectures' defaults raise no alarm, except where
a lecture teaches a fault on purpose.
"""

from __future__ import annotations

from collections.abc import Callable

from tui_app.inspection.diagnosis.data_rules import imbalance, same_data
from tui_app.inspection.diagnosis.loss_rules import (
    clamped_log,
    divergence,
    not_a_number,
    overfitting,
    plateau,
    stuck_at_base_rate,
)
from tui_app.inspection.diagnosis.model_rules import (
    constant_output,
    dead_relus,
    exploding_gradients,
    saddle,
    saturated_activations,
    vanishing_gradients,
)
from tui_app.inspection.diagnosis.observations import Advice, ModelObservations, RunObservations

__all__ = ["RULES", "Advice", "ModelObservations", "Rule", "RunObservations", "diagnose"]

Rule = Callable[[RunObservations, ModelObservations], Advice | None]

#: The most serious first.
RULES: tuple[Rule, ...] = (
    divergence,
    not_a_number,
    clamped_log,
    stuck_at_base_rate,
    constant_output,
    dead_relus,
    saturated_activations,
    vanishing_gradients,
    exploding_gradients,
    saddle,
    same_data,
    overfitting,
    plateau,
    imbalance,
)


def diagnose(run: RunObservations, model: ModelObservations | None = None) -> list[Advice]:
    """The advice of every rule that finds a fault, the most serious first."""
    found = (rule(run, model or ModelObservations()) for rule in RULES)
    return [advice for advice in found if advice is not None]
