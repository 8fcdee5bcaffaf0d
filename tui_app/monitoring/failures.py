"""Gives each failure that a user can fix its sentence and its exit code."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from datasets import DataDamaged, DataUnavailable, UnknownDataset
from datasets.reading.progress import LoadingStopped
from models import LectureError, UnknownLecture
from models.fields import InvalidValue
from models.user_files.error_hints import explain_in_one_line
from models.user_files.error_location import locate_error, user_traceback
from models.user_files.trust import UntrustedSource
from tui_app.runs.errors import (
    Cancelled,
    DamagedRun,
    DeviceUnavailable,
    OutOfMemory,
    RankFailed,
    RunFinished,
    RunLocked,
    RunsFolderUnwritable,
    SourceChanged,
    StorageUnavailable,
    SubmissionFailed,
    TrainingFailed,
    UnknownRun,
    UnknownStudy,
)
from tui_app.runs.exit_codes import ExitCode
from tui_app.views import UnknownView

EXIT_CODES: dict[type[Exception], ExitCode] = {
    InvalidValue: ExitCode.USAGE,
    UnknownDataset: ExitCode.USAGE,
    UnknownLecture: ExitCode.USAGE,
    UnknownRun: ExitCode.USAGE,
    UnknownStudy: ExitCode.USAGE,
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
    StorageUnavailable: ExitCode.DATA_UNAVAILABLE,
    DeviceUnavailable: ExitCode.DEVICE_UNAVAILABLE,
    SubmissionFailed: ExitCode.DEVICE_UNAVAILABLE,
    OutOfMemory: ExitCode.DEVICE_UNAVAILABLE,
    RunLocked: ExitCode.RUN_LOCKED,
    LoadingStopped: ExitCode.INTERRUPTED,
}


@dataclass(frozen=True)
class Failure:
    """Why a run couldn't be prepared, or failed: a sentence, and the traceback for the log,
    which is empty if the sentence says everything.
    """

    sentence: str
    traceback: str
    exit_code: int


def describe_failure(error: BaseException) -> tuple[str, ExitCode] | None:
    """Return what went wrong in a sentence, and its exit code; None for a bug of tutorch."""
    if "torch" in sys.modules:
        from tui_app.training.outcome import is_out_of_memory  # puts off torch

        if is_out_of_memory(error):
            return str(OutOfMemory()), ExitCode.DEVICE_UNAVAILABLE
    if isinstance(error, Cancelled | RankFailed):
        return str(error), ExitCode(error.exit_code)
    for kind, exit_code in EXIT_CODES.items():
        if isinstance(error, kind):
            return str(error), exit_code
    if isinstance(error, OSError) and error.strerror:  # the disk is full, or a folder went away
        named = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{named}"[:500], ExitCode.FAILED
    return None


def failure_of(error: BaseException) -> Failure:
    """Return the sentence for `error`, and its traceback unless the sentence says everything."""
    described = describe_failure(error)
    if described is None:
        sentence = explain_in_one_line(error)
        return Failure(sentence, "\n".join(user_traceback(error)), ExitCode.FAILED)
    sentence, exit_code = described
    origin = error.__cause__ or error
    is_from_code = isinstance(error, TrainingFailed) or locate_error(origin) is not None
    lines = user_traceback(origin) if is_from_code else []
    return Failure(sentence, "\n".join(lines), exit_code)
