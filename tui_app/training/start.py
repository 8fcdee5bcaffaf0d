"""Starts a new run: prepares its training and makes its folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import BaseFileLock

from datasets.reading.progress import Progress
from tui_app.runs.run_data import write_data_record
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.runs.run_source import copy_source
from tui_app.runs.run_trust import trust_copy
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.data.local_data_hint import local_data_hint
from tui_app.training.devices.precision import precision_note
from tui_app.training.prepare import prepare
from tui_app.training.ranks.ranks import ALONE, Ranks
from tui_app.training.run_record import record_of
from tui_app.training.session import Session
from tui_app.training.state import Training
from tui_app.training.steering.control import Control
from tui_app.training.watchdog import StepInterrupted


def start_run(
    settings: RunSettings,
    control: Control,
    on_progress: Callable[[Progress], None],
    folder: RunFolder | None = None,
    also_record: Mapping[str, Any] = MappingProxyType({}),
    ranks: Ranks = ALONE,
) -> Session:
    """Prepare a new run, then make its folder, unless one was made before.

    A folder that was made before is locked first, so that only one program trains in it. run.json
    gets the values of `also_record`, too. Of several `ranks`, rank 0 starts the run, and the others
    follow it. Raises what `prepare`, `RunFolder.create`,
    `RunFolder.lock` and `RunFolder.refuse_run` do.
    """
    with ExitStack() as stack:
        lock = _lock(folder, stack) if folder is not None else None
        training = prepare(settings, on_progress, control.must_stop, ranks=ranks)
        if control.is_abandoned:
            raise StepInterrupted
        if folder is None or lock is None:
            folder = RunFolder.create(Path(settings.options.runs_dir), settings.lecture.name)
            stack.callback(shutil.rmtree, folder.path, ignore_errors=True)
            lock = _lock(folder, stack)
        training.run_folder = folder
        notes = [*local_data_hint(settings), *notes_of(training)]
        if settings.lecture.source is not None:
            copy_source(folder, settings.lecture.source)
            notes += trust_copy(folder, settings.lecture.source)
        record = RunRecord.of({**record_of(training).values, **also_record})
        write_data_record(folder, record, training.measured.split.data)
        folder.write_record(record)
        share_folder(ranks, folder)
        stack.pop_all()
    return Session(training, folder, record, lock, notes)


def _lock(folder: RunFolder, stack: ExitStack) -> BaseFileLock:
    """Lock a folder without a run, until the stack is closed."""
    lock = folder.lock()
    stack.callback(lock.release)
    folder.refuse_run()
    return lock


def share_folder(ranks: Ranks, folder: RunFolder | None) -> RunFolder:
    """The run's folder on every rank, of which only rank 0 has to know it."""
    return RunFolder(ranks.agree(lambda: folder.path if folder is not None else Path()))


def notes_of(training: Training) -> list[str]:
    """What the user should know about the data and the device."""
    device, notes = training.device, list(training.notes)
    if device.others:
        others = "another program is"
        if device.others > 1:
            others = f"{device.others} other programs are"
        notes.append(f"{others} using {device.name} ({device.title}) too: training may be slower")
    precision = training.settings.options.precision
    return [*notes, *filter(None, [precision_note(precision, device.name)])]
