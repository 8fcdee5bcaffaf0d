"""Declares what the rules read of a run, and the advice that they give."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: A run needs this many epochs before a rule judges its losses.
EPOCHS = 5


@dataclass(frozen=True)
class Advice:
    """One fault: its `name` in a word or two, a sentence, and the settings that mend it."""

    name: str
    sentence: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataObservations:
    """`class_shares` is the share of each class in the train set; empty without classes."""

    class_shares: Mapping[str, float] = field(default_factory=dict)
    test_is_train: bool = False


@dataclass(frozen=True)
class RunObservations:
    """What is known of a run so far.

    `losses` are those of the steps, `epochs` the values of the epochs by name (NaN where one is
    missing), `base_rates` the scores at chance level: `accuracy` and `loss`. `defaults` are the
    lecture's defaults of the settings that decide the size of a step (see changed_setting.py).
    """

    lr: float
    losses: Sequence[float]
    epochs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    base_rates: Mapping[str, float] = field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    data: DataObservations = field(default_factory=DataObservations)
    reduction: str = "mean"
    train_size: int = 0
    epochs_planned: int = 0

    def latest(self, metric: str) -> float | None:
        """The newest value of a metric on the split that the run is evaluated on."""
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
class ModelObservations:
    """What the probes `activations` and `gradients` found in the model; empty if they didn't run.

    `is_constant` means that the outputs are the same for every sample. `single_sample_norm` is the
    norm of the gradient of one sample alone.
    """

    activations: Sequence[Any] = ()
    gradients: Any = None
    is_constant: bool = False
    single_sample_norm: float = math.inf
