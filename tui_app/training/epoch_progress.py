"""Counts the current epoch so far: its steps, samples, losses and seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class EpochProgress:
    """The current epoch so far: its steps and samples, the sum of their losses, its seconds."""

    steps: int = 0
    samples: int = 0
    loss: float = 0.0
    seconds: float = 0.0

    @property
    def recorded_seconds(self) -> float:
        """The seconds as an event has them."""
        return round(max(0.0, self.seconds), 7)  # a suspension may be counted an epoch late

    @property
    def samples_per_second(self) -> float:
        """The speed as an event has it."""
        return float(f"{self.samples / max(self.recorded_seconds, 1e-7):.5g}")
