"""Trains as one rank of several that records and publishes nothing: rank 0 does."""

from __future__ import annotations

from tui_app.runs.events import RunCompleted
from tui_app.training.loop import train
from tui_app.training.state import Training
from tui_app.training.steering.control import Control


def follow(training: Training, control: Control) -> RunCompleted:
    """Train to the end, as rank 0 decides it; the last event says how it ended for this rank.

    Raises what a step of the lecture raises, after the other ranks were told.
    """
    *_, last = train(training, control)
    assert isinstance(last, RunCompleted)
    return last
