"""The sentence and the exit code of each failure that a user can do something about."""

from __future__ import annotations

import sys

from datasets import DataDamaged, DataUnavailable, UnknownDataset
from datasets.reading.progress import LoadingStopped
from models import LectureError, UnknownLecture
from models.fields import InvalidValue
from models.user_files.trust import UntrustedSource
from tui_app.runs.errors import (
    Cancelled,
    DamagedRun,
    DeviceUnavailable,
    OutOfMemory,
    RunFinished,
    RunLocked,
    RunsFolderUnwritable,
    SourceChanged,
    TrainingFailed,
    UnknownRun,
)
from tui_app.runs.exit_codes import ExitCode
from tui_app.views import UnknownView

EXIT_CODES: dict[type[Exception], ExitCode] = {
    InvalidValue: ExitCode.USAGE,
    UnknownDataset: ExitCode.USAGE,
    UnknownLecture: ExitCode.USAGE,
    UnknownRun: ExitCode.USAGE,
    UnknownView: ExitCode.USAGE,
    RunFinished: ExitCode.USAGE,
    SourceChanged: ExitCode.USAGE,
    RunsFolderUnwritable: ExitCode.USAGE,
    UntrustedSource: ExitCode.USAGE,  # a LectureError too: this one first
    LectureError: ExitCode.FAILED,
    TrainingFailed: ExitCode.FAILED,
    DamagedRun: ExitCode.FAILED,
    DataUnavailable: ExitCode.DATA_UNAVAILABLE,
    DataDamaged: ExitCode.DATA_UNAVAILABLE,
    DeviceUnavailable: ExitCode.DEVICE_UNAVAILABLE,
    OutOfMemory: ExitCode.DEVICE_UNAVAILABLE,
    RunLocked: ExitCode.RUN_LOCKED,
    LoadingStopped: ExitCode.INTERRUPTED,
}


def describe_failure(error: BaseException) -> tuple[str, ExitCode] | None:
    """Return what went wrong in a sentence, and its exit code; None for a bug of tutorch."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return str(OutOfMemory()), ExitCode.DEVICE_UNAVAILABLE
    if isinstance(error, Cancelled):
        return str(error), ExitCode(error.exit_code)
    for kind, exit_code in EXIT_CODES.items():
        if isinstance(error, kind):
            return str(error), exit_code
    if isinstance(error, OSError) and error.strerror:  # the disk is full, or a folder went away
        named = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{named}"[:500], ExitCode.FAILED
    return None
