"""Measures how much each setting of a study matters, with Optuna's PED-ANOVA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_app.search.library import from_optuna

if TYPE_CHECKING:
    import optuna

#: With fewer completed trials the numbers are chance.
FEWEST_TRIALS = 8


def importance_of(study: optuna.Study, completed: int) -> dict[str, float] | None:
    """Each setting's share of the importance, from 0 to 1, the largest first; their sum is 1.

    PED-ANOVA (Watanabe, Bansal, Hutter: https://arxiv.org/abs/2304.10255) compares the values of
    the best tenth of the trials with those of all. None with too few completed trials, and where
    they don't differ.
    """
    if completed < FEWEST_TRIALS:
        return None
    with from_optuna() as optuna:
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        try:
            found = optuna.importance.get_param_importances(study, evaluator=evaluator)
        except (ValueError, RuntimeError):  # all trials are alike
            return None
    return {str(name): float(share) for name, share in found.items()}
