"""How a run ends: on purpose, or by something that a person can be told in a sentence."""

from __future__ import annotations

import torch

from tui_app.runs.errors import OutOfMemory, WorkerDied
from tui_app.runs.events import State
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.control import Stop
from tui_app.training.watchdog import StepInterrupted, where_interrupted

#: What torch says when the memory of the machine itself, or of a Mac's GPU, is used up.
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


class Ended(Exception):
    """Training is over: in which state, why, and with which exit code.

    A run that stops because a step didn't come back is `given_up`: its model is asked for nothing
    more. `has_torn_weights` once that step may have changed some of the weights.
    """

    def __init__(
        self,
        state: State,
        reason: str,
        exit_code: ExitCode | int,
        *,
        given_up: bool = False,
        has_torn_weights: bool = False,
    ) -> None:
        super().__init__(reason)
        self.state: State = state
        self.reason = reason
        self.exit_code = int(exit_code)
        self.given_up = given_up
        self.has_torn_weights = has_torn_weights


def stopped_inside(stop: Stop | None, error: StepInterrupted) -> Ended:
    """The end of a run that was to `stop`, and whose step didn't come back."""
    assert stop is not None  # nothing is interrupted without
    return Ended(
        "stopped",
        f"{stop.reason}{where_interrupted(error)}",
        stop.exit_code,
        given_up=True,
        has_torn_weights=error.has_torn_weights,
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it was memory that a computation lacked."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError | OutOfMemory):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def ended_by(error: Exception) -> Ended | None:
    """The end of a run that `error` broke off; None for what is nobody's but ours.

    A worker's death is noticed between two steps, so that what was trained until then is saved.
    Memory runs out within a step, and a device that failed can't be asked for anything more: the
    checkpoint before stays.
    """
    if isinstance(error, WorkerDied):
        return Ended("stopped", str(error), ExitCode.FAILED)
    if isinstance(error, OutOfMemory):
        return Ended("failed", str(error), ExitCode.DEVICE_UNAVAILABLE)
    if is_out_of_memory(error):
        return Ended("failed", str(OutOfMemory()), ExitCode.DEVICE_UNAVAILABLE)
    # Named so by newer versions of torch only.
    broken = getattr(torch, "AcceleratorError", None)
    if broken is not None and isinstance(error, broken):
        said = (str(error).splitlines() or [""])[0]
        reason = f"the device failed ({said}): resuming goes on from the last checkpoint"
        return Ended("failed", reason, ExitCode.DEVICE_UNAVAILABLE)
    return None
