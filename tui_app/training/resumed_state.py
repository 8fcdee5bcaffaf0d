"""Passes what rank 0 has restored from a checkpoint to the other ranks, and notes what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui_app.runs.checkpoints.checkpoint import copy_to_cpu
from tui_app.text.quantities import counted
from tui_app.training.devices.threads import ThreadChange
from tui_app.training.seeding import RNG_OF_RANKS
from tui_app.training.state import Training


@dataclass(frozen=True)
class ResumedState:
    """What rank 0 of several has restored, for the others: the state, and the changes that are to
    be repeated.
    """

    state: Mapping[str, Any]
    lr_changes: Mapping[int, float]
    thread_changes: Mapping[int, ThreadChange]

    @classmethod
    def of(cls, training: Training, rngs: list[dict[str, Any]]) -> ResumedState:
        """That of a training which was restored with the random numbers of these ranks."""
        state = copy_to_cpu(training.state_dict())
        if rngs:
            state[RNG_OF_RANKS] = rngs
        return cls(state, training.lr_changes, training.thread_changes)

    def load_into(self, training: Training) -> None:
        """Restore it."""
        training.load_state_dict(dict(self.state))
        training.lr_changes = dict(self.lr_changes)
        training.thread_changes = dict(self.thread_changes)


def notes_on_ranks(training: Training, before: int) -> list[str]:
    """What is no longer as it was for a run that so many ranks have trained until now."""
    count, notes = training.ranks.count, []
    if before != count and training.step:
        notes.append(
            f"the run was trained by {counted(before, 'rank')} until now, and continues with "
            f"{counted(count, 'rank')}: its sums are rounded differently, and its random numbers "
            "are others than before"
        )
    if count > 1 and training.parts > 1:
        notes.append(
            f"the device had too little memory for a whole batch, and each was split into "
            f"{training.parts} parts until now: several ranks don't split theirs further"
        )
    return notes
