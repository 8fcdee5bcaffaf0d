"""Resumes a run: prepares its training again and loads its newest checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from datasets.reading.progress import Progress
from models.fields import InvalidValue, fields_of
from tui_app.runs.checkpoint import load_checkpoint
from tui_app.runs.errors import DamagedRun, RunFinished
from tui_app.runs.listing import as_argument
from tui_app.runs.metrics_rewind import rewind_metrics
from tui_app.runs.run_data import as_trained_with, write_kept_data
from tui_app.runs.run_files import is_there
from tui_app.runs.run_folder import RunFolder, read_json
from tui_app.runs.run_options import RunOptions
from tui_app.runs.run_record import RunRecord
from tui_app.runs.run_settings import settings_to_resume
from tui_app.runs.run_source import Use, is_other_source, record_of_resumed
from tui_app.runs.run_trust import trust_copy
from tui_app.runs.settings import RunSettings
from tui_app.text.escaping import printable
from tui_app.training.control import Control
from tui_app.training.prepare import prepare
from tui_app.training.run_record import record_of
from tui_app.training.session import Session
from tui_app.training.start import notes_of
from tui_app.training.state import Training
from tui_app.training.watchdog import StepInterrupted


def resume_run(
    folder: RunFolder,
    control: Control,
    on_progress: Callable[[Progress], None],
    *,
    epochs: int | None = None,
    source: Use | None = None,
    record: RunRecord | None = None,
    **options: Any,
) -> Session:
    """Prepare a run to go on exactly where its last.pt left it, or to have more `epochs`.

    `source` says with which source, where a user's own file has changed since. `record` is its
    run.json, if it was read already.
    `options` are those of RunOptions that are other than before, such as the device. A time
    limit was for the earlier session alone. Raises DamagedRun, RunFinished, and what `prepare`
    does.
    """
    record = record or folder.read_record()
    settings = settings_to_resume(folder, record, source)
    as_trained = {"device": record.device, "threads": record.threads}
    settings = with_options(settings, {**as_trained, "max_time": 0.0, **options})
    if epochs is not None:
        hp = replace(settings.hyperparameters, epochs=epochs)
        settings = replace(settings, hyperparameters=hp)
    with ExitStack() as stack:
        lock = folder.lock()
        stack.callback(lock.release)
        folder.refuse_irregular_files()
        folder.remove_unfinished()
        accept = partial(as_trained_with, folder, record)
        training = prepare(settings, on_progress, control.must_stop, accept)
        if control.is_abandoned:
            raise StepInterrupted
        training.run_folder = folder
        if "threads" not in options and record.threads_reason:
            training.threads_reason = printable(record.threads_reason)
        state = _status(folder).get("state")
        back = restore_with_changed_source if is_other_source(settings.lecture, record) else restore
        notes = back(training, folder, was_completed=state == "completed")
        notes += [*filter(None, [settings.note]), *notes_of(training), *extend(training)]
        now, made_of = record_of(training), settings.lecture.source
        write_kept_data(folder, now, training.measured.split.data)
        folder.write_record(record_of_resumed(folder, record, now, made_of, training.step))
        if made_of is not None:
            notes += trust_copy(folder, made_of)
        changes = rewind_metrics(folder.metrics, training.epoch, training.step, control.must_stop)
        # What made a run fail is not done again.
        training.lr_changes = {} if state == "failed" else changes
        stack.pop_all()
    return Session(training, folder, now, lock, notes)


def _status(folder: RunFolder) -> dict[str, Any]:
    try:
        return read_json(folder.status)
    except DamagedRun:
        return {}


def with_options(settings: RunSettings, options: dict[str, Any]) -> RunSettings:
    """The settings of a run with other options, some from its run.json. Raises DamagedRun."""
    try:
        checked = {name: fields_of(RunOptions)[name].check(v) for name, v in options.items()}
    except InvalidValue as error:
        raise DamagedRun(f"run.json doesn't say how the run was trained: {error}") from error
    return replace(settings, options=replace(settings.options, **checked))


def restore(training: Training, folder: RunFolder, *, was_completed: bool) -> list[str]:
    """Go back to the newest checkpoint that is whole; what to say when it isn't last.pt.

    Raises DamagedRun when none is, RunFinished when there is nothing left to do: a run that broke
    off between its last step and its end is still to be ended.
    """
    if not folder.has_checkpoint():
        return [f"{folder.name} broke off before anything was saved: it begins once more"]
    try:
        _load_state(training, folder.last)
        notes = []
    except DamagedRun as damage:
        if not is_there(folder.previous):
            raise
        try:
            _load_state(training, folder.previous)
        except DamagedRun as older:
            raise DamagedRun(f"{damage}; {older}") from older
        # The next save would put the damaged one in the place of the one that is whole.
        folder.previous.replace(folder.last)
        notes = [f"{damage}. The run goes on from the checkpoint before it"]
    if training.epoch >= training.epochs and was_completed:
        raise RunFinished(
            f"{folder.name} has had all its {training.epoch} epochs; "
            f"`tutorch resume {as_argument(folder)} --epochs N` with a larger N trains it further"
        )
    if training.evaluations_without_best >= training.hyperparameters.early_stopping > 0:
        training.evaluations_without_best = 0  # it was stopped for that: now it has a new chance
    return notes


def restore_with_changed_source(
    training: Training, folder: RunFolder, *, was_completed: bool
) -> list[str]:
    """Go back as `restore` does, in a run that goes on with a changed source: values of the older
    one say nothing of the newer, so the best model is chosen anew. Raises what `restore` does.
    """
    file = training.settings.lecture.path.name
    try:
        notes = restore(training, folder, was_completed=was_completed)
    except DamagedRun as error:
        raise DamagedRun(
            f"{file} as it is now can't go on with what {folder.name} has trained: {error}\n"
            "`--source kept` goes on with the copy in the run folder"
        ) from error
    training.best.ranking.clear()
    training.evaluations_without_best = 0
    note = f"{file} has changed: from here on the run is trained with it as it is now"
    return [*notes, f"{note}, and its best model is chosen anew"]


def _load_state(training: Training, path: Path) -> None:
    state = load_checkpoint(path)
    try:
        training.load_state_dict(state)
    except Exception as error:  # torch looks closely at what it is given, or not at all
        raise DamagedRun(f"{path} doesn't belong to this run: {error}") from error


def extend(training: Training) -> list[str]:
    """Give the schedule the run's new end, where that moved; what to say of it."""
    schedule, steps = training.schedule, training.epochs * len(training.batches)
    if schedule.last_step == steps:
        return []
    training.schedule = schedule.extended(training.step, steps)
    if not schedule.is_bounded:
        return []
    return [
        f"a {training.hyperparameters.lr_schedule} schedule is made for its length: "
        f"a new one goes from step {training.step + 1} to step {steps}"
    ]
