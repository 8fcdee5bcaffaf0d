"""What is going wrong with a run, in a sentence with numbers, and what to try.

Each rule is a small function over what was recorded of a run; some need a look at the model too. A
rule that has nothing to say gives None. The thresholds are such that the lectures' defaults raise
no alarm, but for those that are ill as taught.
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
    constant,
    dead_relus,
    exploding,
    saddle,
    saturated,
    vanishing,
)
from tui_app.inspection.diagnosis.observations import Advice, Course, Look

__all__ = ["RULES", "Advice", "Course", "Look", "Rule", "diagnose"]

Rule = Callable[[Course, Look], Advice | None]

#: The gravest first.
RULES: tuple[Rule, ...] = (
    divergence,
    not_a_number,
    clamped_log,
    stuck_at_base_rate,
    constant,
    dead_relus,
    saturated,
    vanishing,
    exploding,
    saddle,
    same_data,
    overfitting,
    plateau,
    imbalance,
)


def diagnose(course: Course, look: Look | None = None) -> list[Advice]:
    """Everything that the rules find, the gravest first."""
    found = (rule(course, look or Look()) for rule in RULES)
    return [advice for advice in found if advice is not None]
