"""Resumes a run: prepares its training again and loads its newest checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from datasets.reading.progress import Progress
from models.fields import InvalidValue, fields_of
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.runs.errors import DamagedRun, RunFinished
from tui_app.runs.files.run_files import is_there
from tui_app.runs.listing import as_argument
from tui_app.runs.metrics.metrics_rewind import rewind_metrics
from tui_app.runs.run_data import check_data, write_data_record
from tui_app.runs.run_folder import RunFolder, read_json
from tui_app.runs.run_record import RunRecord
from tui_app.runs.run_source import SourceChoice, is_other_source, record_of_resumed
from tui_app.runs.run_trust import trust_copy
from tui_app.runs.settings.recorded_settings import settings_to_resume
from tui_app.runs.settings.run_options import RunOptions, refuse_one_device
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.text.escaping import printable
from tui_app.training.devices.threads import AS_REQUESTED, ThreadChange
from tui_app.training.prepare import prepare
from tui_app.training.ranks.ranks import ALONE, Ranks
from tui_app.training.resumed_state import ResumedState, notes_on_ranks
from tui_app.training.run_record import record_of
from tui_app.training.seeding import state_of_one_card
from tui_app.training.session import Session
from tui_app.training.start import notes_of
from tui_app.training.state import Training, rng_of_ranks
from tui_app.training.steering.control import Control
from tui_app.training.watchdog import StepInterrupted


def resume_run(
    folder: RunFolder,
    control: Control,
    on_progress: Callable[[Progress], None],
    *,
    epochs: int | None = None,
    source: SourceChoice | None = None,
    record: RunRecord | None = None,
    ranks: Ranks = ALONE,
    **options: Any,
) -> Session:
    """Prepare a run to continue exactly from its last.pt, or to train until `epochs`.

    `source` chooses a source if the user's file has changed since. `record` is the run's run.json,
    if it was read already. `options` are the RunOptions that change, such as the device; a time
    limit doesn't carry over. Of several `ranks`, rank 0 resumes the run, and the others follow it.
    Raises DamagedRun, RunFinished, and what `prepare` does.
    """
    record = record or folder.read_record()
    settings = settings_to_resume(folder, record, source)
    settings = change_settings(settings, record, epochs, options)
    with ExitStack() as stack:
        lock = folder.lock()
        stack.callback(lock.release)
        folder.refuse_irregular_files()
        folder.remove_unfinished()
        training = prepare_again(settings, folder, record, control, on_progress, ranks)
        if control.is_abandoned:
            raise StepInterrupted
        training.run_folder = folder
        state = _status(folder).get("state")
        is_changed = is_other_source(settings.lecture, record)
        load = restore_with_changed_source if is_changed else restore
        trained_on = record.device
        notes, rngs = load(training, folder, trained_on, was_completed=state == "completed")
        notes += [*filter(None, [settings.note]), *notes_of(training), *extend_schedule(training)]
        now = record_of(training)
        notes += _write_records(training, folder, record, now)
        changes = rewind_metrics(folder.metrics, training.epoch, training.step, control.must_stop)
        # A change that may have made the run fail isn't repeated.
        training.lr_changes = {} if state == "failed" else changes.lr
        training.thread_changes = {at: ThreadChange(*c) for at, c in changes.threads.items()}
        if isinstance(threads := options.get("threads"), int):
            training.thread_changes = {training.step: ThreadChange(threads, AS_REQUESTED)}
        if ranks.count > 1:
            ranks.agree(partial(ResumedState.of, training, rngs))
        stack.pop_all()
    return Session(training, folder, now, lock, notes)


def prepare_again(
    settings: RunSettings,
    folder: RunFolder,
    record: RunRecord,
    control: Control,
    on_progress: Callable[[Progress], None],
    ranks: Ranks,
) -> Training:
    """Prepare the training of a recorded run, without its checkpoint. With another number of ranks
    the threads are chosen anew.
    """
    is_as_before = ranks.count == record.devices
    return prepare(
        settings,
        on_progress,
        control.must_stop,
        partial(check_data, folder, record),
        is_new=ranks.agree(lambda: not folder.has_checkpoint()),
        threads=(record.threads, printable(record.threads_reason)) if is_as_before else None,
        ranks=ranks,
    )


def _status(folder: RunFolder) -> dict[str, Any]:
    try:
        return read_json(folder.status)
    except DamagedRun:
        return {}


def change_settings(
    settings: RunSettings, record: RunRecord, epochs: int | None, options: dict[str, Any]
) -> RunSettings:
    """The run's settings, with the device it trained on, and with the changes.

    A run on several devices trains on all of the recorded one's kind. Raises DamagedRun for values
    that no option has, and InvalidValue for several devices with a single one named.
    """
    devices = options.get("devices", settings.options.devices)
    device = record.device if devices == 1 else record.device.partition(":")[0]
    given = {"device": device, "max_time": 0.0, **options}
    try:
        fields_of(RunOptions)["threads"].check(record.threads)
        checked = {name: fields_of(RunOptions)[name].check(value) for name, value in given.items()}
    except InvalidValue as error:
        raise DamagedRun(f"run.json doesn't say how the run was trained: {error}") from error
    settings = replace(settings, options=replace(settings.options, **checked))
    refuse_one_device(settings.options.device, settings.options.devices)
    if epochs is None:
        return settings
    return replace(settings, hyperparameters=replace(settings.hyperparameters, epochs=epochs))


def _write_records(
    training: Training, folder: RunFolder, before: RunRecord, now: RunRecord
) -> list[str]:
    """Write run.json and the records beside it, and keep the source; a note if it isn't trusted."""
    source = training.settings.lecture.source
    write_data_record(folder, now, training.measured.split.data)
    folder.write_record(record_of_resumed(folder, before, now, source, training.step))
    return trust_copy(folder, source) if source is not None else []


def restore(
    training: Training, folder: RunFolder, trained_on: str, *, was_completed: bool
) -> Restored:
    """Load the newest intact checkpoint of a run that was trained on the device `trained_on`; notes
    if it isn't last.pt, or lacks the device's random numbers.

    Raises DamagedRun if there is none, RunFinished if nothing is left to train. A run that crashed
    between its last step and its end still has to be completed.
    """
    if not folder.has_checkpoint():
        return Restored([f"{folder.name} crashed before anything was saved: it starts again"], [])
    try:
        restored = _load_state(training, folder.last, trained_on)
    except DamagedRun as damage:
        if not is_there(folder.previous):
            raise
        try:
            restored = _load_state(training, folder.previous, trained_on)
        except DamagedRun as older:
            raise DamagedRun(f"{damage}; {older}") from older
        # The next save would replace the intact checkpoint by the damaged one.
        folder.previous.replace(folder.last)
        restored.notes.append(f"{damage}. The run continues from the checkpoint before it")
    if training.epoch >= training.epochs and was_completed:
        raise RunFinished(
            f"{folder.name} has trained all its {training.epoch} epochs; "
            f"`tutorch resume {as_argument(folder)} --epochs N` with a larger N trains it further"
        )
    if training.evaluations_without_best >= training.hyperparameters.early_stopping > 0:
        training.evaluations_without_best = 0  # early stopping ended it: start counting again
    return restored


def restore_with_changed_source(
    training: Training, folder: RunFolder, trained_on: str, *, was_completed: bool
) -> Restored:
    """Load the checkpoint of a run that continues with a changed source. The best model is chosen
    again, since the old source's values don't compare. Raises what `restore` does.
    """
    file = training.settings.lecture.path.name
    try:
        notes, rngs = restore(training, folder, trained_on, was_completed=was_completed)
    except DamagedRun as error:
        raise DamagedRun(
            f"{file} as it is now can't continue what {folder.name} has trained: {error}\n"
            "`--source kept` continues with the copy in the run folder"
        ) from error
    training.best.ranking.clear()
    training.evaluations_without_best = 0
    note = f"{file} has changed: the run continues with the file as it is now"
    return Restored([*notes, f"{note}, and the best model is chosen again"], rngs)


class Restored(NamedTuple):
    """What a checkpoint was restored with: notes for the user, and the random numbers of each rank
    that trained the run until then.
    """

    notes: list[str]
    rng_of_ranks: list[dict[str, Any]]


def _load_state(training: Training, path: Path, trained_on: str) -> Restored:
    """Load a checkpoint; a note if random numbers of it are missing or don't suit this run."""
    state = load_checkpoint(path)
    try:
        rng = state_of_one_card(state["rng"], trained_on)
        training.load_state_dict({**state, "rng": rng})
    except Exception as error:  # torch has no common error for a wrong state
        raise DamagedRun(f"{path} doesn't belong to this run: {error}") from error
    rngs = rng_of_ranks(state)
    notes = notes_on_ranks(training, len(rngs))
    was_on_gpu = trained_on.startswith("cuda")
    if rng["cuda"] is None and was_on_gpu and training.device.name.startswith("cuda"):
        notes.append(f"{path.name} has no random numbers of {trained_on}: dropout draws new ones")
    return Restored(notes, rngs)


def extend_schedule(training: Training) -> list[str]:
    """Extend the schedule to the run's new end, if that moved; a note if a new one starts."""
    schedule, steps = training.schedule, training.epochs * len(training.batches)
    if schedule.last_step == steps:
        return []
    training.schedule = schedule.extended(training.step, steps)
    if not schedule.is_bounded:
        return []
    return [
        f"a {' and a '.join(schedule.bounded_kinds)} schedule has a fixed length: "
        f"a new one runs from step {training.step + 1} to step {steps}"
    ]
