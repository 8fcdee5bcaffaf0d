"""Chooses the sampler and the pruner of a study, and picks the values of a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.fields import setting_text
from tui_app.runs.settings.variation import Choices, Variation
from tui_app.search.library import from_optuna

if TYPE_CHECKING:
    import optuna

    from tui_app.search.record import StudyRecord


def make_sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """The sampler of trial `number`: TPE (a tree-structured Parzen estimator).

    Its random numbers depend on the study's seed and on the trial's number only, so that a study
    that goes on doesn't draw its first trials again. What a trial is, depends besides on the trials
    that had ended before: with one worker it is reproducible, and so are the first ten trials with
    several.
    """
    words = np.random.SeedSequence([seed, number]).generate_state(1)
    with from_optuna() as optuna:
        # With a constant liar several workers don't try the same place at once.
        return optuna.samplers.TPESampler(seed=int(words[0]), constant_liar=True)


def make_pruner(record: StudyRecord) -> optuna.pruners.BasePruner:
    """The pruner that the study is recorded with; none for an unknown one."""
    with from_optuna() as optuna:
        if record.pruner == "median":
            return optuna.pruners.MedianPruner()
        if record.pruner == "hyperband":
            return optuna.pruners.HyperbandPruner(max_resource=record.epochs)
        return optuna.pruners.NopPruner()


def pick(trial: optuna.Trial, name: str, variation: Variation) -> Any:
    """The value of a setting in this trial: the sampler's, or the recorded one of a trial that was
    begun before. Choices are recorded as text.
    """
    with from_optuna():
        if isinstance(variation, Choices):
            by_text = {setting_text(value): value for value in variation.values}
            return by_text[trial.suggest_categorical(name, list(by_text))]
        low, high, log = variation.low, variation.high, variation.is_log
        if variation.is_whole:
            return trial.suggest_int(name, int(low), int(high), log=log)
        return trial.suggest_float(name, low, high, log=log)
