"""The result of a short training at a constant lr."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Trial:
    """A training of so many `steps` at a constant `lr`: the mean `loss` of its last ones, and
    `before`, the loss of the same batches without training. `loss` is infinite if it diverged.
    """

    lr: float
    loss: float
    before: float
    steps: int

    @property
    def fell(self) -> float:
        """How much lower the loss is than without training; below zero if it is higher."""
        return self.before - self.loss
