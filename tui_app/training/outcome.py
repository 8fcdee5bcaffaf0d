"""Says how training ended: the outcome of a run, and the outcome that an error means."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tui_app.runs.errors import OutOfMemory, RankFailed, WorkerDied
from tui_app.runs.events import State
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.steering.control import Stop
from tui_app.training.watchdog import StepInterrupted, where_interrupted

#: Parts of torch's messages when the memory of the machine or of a GPU is used up, also where a
#: library allocates for itself: CUBLAS_STATUS_ALLOC_FAILED, CUDNN_STATUS_ALLOC_FAILED,
#: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED (cuDNN 9).
_NO_MEMORY = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "_ALLOC_FAILED",
    "_ALLOCATION_FAILED",
)

#: Parts of messages that mean too little memory, or another fault. cuBLAS, cuDNN and cuSOLVER fail
#: so when they can't make a handle or load their kernels (pytorch/pytorch#81620); torch finds no
#: engine when none has the workspace it needs.
_PERHAPS_NO_MEMORY = (
    "_STATUS_NOT_INITIALIZED",
    "CUDNN_STATUS_INTERNAL_ERROR",
    "unable to find an engine to execute this computation",
)

#: Free bytes on a GPU below which such a message means that: cuDNN 8 loads up to 500 MB.
_LITTLE_MEMORY = 512 << 20


@dataclass(frozen=True)
class Outcome:
    """The state in which training ended, why, and the program's exit code.

    `was_interrupted` if a step had to be interrupted: the model isn't evaluated again.
    `has_torn_weights` if that step may have updated only some of the weights, or if the other ranks
    may be elsewhere.
    """

    state: State
    reason: str
    exit_code: int
    was_interrupted: bool = False
    has_torn_weights: bool = False


class EndTraining(Exception):
    """Raised in the loop to end training with an outcome."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def outcome_of_stop(stop: Stop | None) -> Outcome:
    """The outcome of a run that was stopped between two steps."""
    assert stop is not None  # the caller found it
    return Outcome("stopped", stop.reason, stop.exit_code)


def outcome_of_interruption(stop: Stop | None, error: StepInterrupted) -> Outcome:
    """The outcome of a run that was stopped by interrupting a step."""
    assert stop is not None  # only a stop interrupts
    return Outcome(
        "stopped",
        f"{stop.reason}{where_interrupted(error)}",
        stop.exit_code,
        was_interrupted=True,
        has_torn_weights=error.has_torn_weights,
    )


def outcome_of_rank(error: RankFailed) -> Outcome:
    """The outcome of a run that the failure of another rank ended."""
    return Outcome("failed", str(error), error.exit_code)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a computation ran out of memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError | OutOfMemory):
        return True
    if not isinstance(error, RuntimeError):
        return False
    text = str(error)
    if any(words in text for words in _NO_MEMORY):
        return True
    return any(words in text for words in _PERHAPS_NO_MEMORY) and _has_little_memory()


def _has_little_memory() -> bool:
    """Whether the thread's current GPU has little memory left."""
    if not torch.cuda.is_initialized():
        return False
    try:
        return torch.cuda.mem_get_info()[0] < _LITTLE_MEMORY
    except RuntimeError:  # the device has failed
        return False


def outcome_of_error(error: Exception, ranks: int = 1) -> Outcome | None:
    """The outcome of a run that `error` ended; None for an error in a lecture or in tutorch.

    A worker's death is noticed between two steps, so the run is saved. After running out of memory
    within a step, or after a failure of the device, the last checkpoint is kept as it is; so it is
    if several `ranks` train, which end too, each in the middle of something.
    """
    if isinstance(error, WorkerDied):
        if ranks > 1:
            reason = f"{error}: resuming continues from the last checkpoint"
            return Outcome("failed", reason, ExitCode.FAILED)
        reason = f"{error}. The run is saved, and can be resumed"
        return Outcome("stopped", reason, ExitCode.FAILED)
    if isinstance(error, RankFailed):
        return outcome_of_rank(error)
    if isinstance(error, OutOfMemory):
        return Outcome("failed", str(error), ExitCode.DEVICE_UNAVAILABLE)
    if is_out_of_memory(error):
        return Outcome("failed", str(OutOfMemory()), ExitCode.DEVICE_UNAVAILABLE)
    # Only newer versions of torch have this error.
    device_error = getattr(torch, "AcceleratorError", None)
    if device_error is not None and isinstance(error, device_error):
        first_line = (str(error).splitlines() or [""])[0]
        reason = f"the device failed ({first_line}): resuming continues from the last checkpoint"
        return Outcome("failed", reason, ExitCode.DEVICE_UNAVAILABLE)
    return None
