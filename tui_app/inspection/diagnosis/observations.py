"""What is known of a run, and what is said of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Epochs that a run has to have before its course can be judged.
EPOCHS = 5


@dataclass(frozen=True)
class Advice:
    """One illness: `name` in a word or two, the sentence, and the settings that would mend it."""

    name: str
    sentence: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Course:
    """What is known of a run so far.

    `losses` are those of the steps, `epochs` the values of the epochs by name (NaN where there is
    none), `base_rates` what knowing nothing scores, by `accuracy` and `loss`; `class_shares` the
    share of each class in the train set. `epochs_planned` is how many epochs it is to have.
    `usual` are the lecture's own settings that decide how far a step goes (see misset.py).
    """

    lr: float
    losses: Sequence[float]
    epochs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    base_rates: Mapping[str, float] = field(default_factory=dict)
    class_shares: Mapping[str, float] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    fingerprints: tuple[str, str] | None = None
    reduction: str = "mean"
    train_size: int = 0
    epochs_planned: int = 0
    usual: Mapping[str, Any] = field(default_factory=dict)

    def last(self, metric: str) -> float | None:
        """The newest value of a metric on the split that the run is measured on."""
        for split in ("validation", "test", "train"):
            values = self.values(f"{split}_{metric}")
            if len(values):
                return float(values[-1])
        return None

    def values(self, name: str) -> np.ndarray:
        """The finite values of the epochs by that name."""
        column = np.asarray(self.epochs.get(name, ()), float)
        return column[np.isfinite(column)]


@dataclass(frozen=True)
class Look:
    """What a look at the model gave: the probes `activations` and `gradients`, if taken.

    `is_constant` when its outputs are the same for every sample; `of_one` is the norm of the
    gradient of one sample alone.
    """

    activations: Sequence[Any] = ()
    gradients: Any = None
    is_constant: bool = False
    of_one: float = math.inf
