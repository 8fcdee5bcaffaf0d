"""A run brought back to its newest checkpoint, so that it can go on exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from models.fields import InvalidValue, fields_of
from tui_app.runs.checkpoint import load_checkpoint
from tui_app.runs.errors import DamagedRun, RunFinished
from tui_app.runs.listing import as_argument
from tui_app.runs.run_files import is_there
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_options import RunOptions
from tui_app.runs.settings import RunSettings
from tui_app.training.state import Training


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
