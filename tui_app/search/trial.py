"""A trial that a worker trains: its settings, its reports to the study, and how it ends."""

from __future__ import annotations

import math
import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import BaseFileLock

from models.lecture import Lecture
from tui_app.runs.errors import DamagedRun, StorageUnavailable
from tui_app.runs.events import PRUNED, EpochCompleted, Event, RunStarted
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.run_folder import RunFolder
from tui_app.search.library import from_optuna
from tui_app.search.record import StudyRecord
from tui_app.search.sampling import make_sampler, pick
from tui_app.text.quantities import counted, format_number, format_value
from tui_app.training.steering.control import Control

if TYPE_CHECKING:
    import optuna

#: Reports of a trial to its study, at most: each waits for the storage.
_REPORTS = 100

#: `<lecture>/<date>-<time>-<4 hex>`: a name from a storage that others may write to. A lecture is
#: called as the user's file.
_RUN_NAME = re.compile(r"[^/\\:\x00-\x1f\x7f]+/\d{8}-\d{6}-[0-9a-f]{4}")


def run_name(trial: optuna.trial.FrozenTrial) -> str:
    """The name of a trial's run, relative to the runs folder; empty if the storage has none."""
    name = trial.user_attrs.get("run")
    if not isinstance(name, str) or not _RUN_NAME.fullmatch(name) or name.startswith("."):
        return ""
    return name


def finite_value(value: Any) -> float | None:
    """A finite number as a float; None for anything else that a storage or a file may hold."""
    try:
        is_finite = type(value) in (int, float) and math.isfinite(value)
        return float(value) if is_finite else None
    except OverflowError:
        return None


class TrialFolder(RunFolder):
    """A run folder that a worker keeps locked for the whole trial: its training locks it again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._held: BaseFileLock | None = None

    def lock(self) -> BaseFileLock:
        """Lock the run, again if this object has locked it. Raises what `RunFolder.lock` does."""
        if self._held is not None and self._held.is_locked:
            self._held.acquire()
        else:
            self._held = super().lock()
        return self._held

    def unlock(self) -> None:
        """Unlock the run once."""
        if self._held is not None:
            self._held.release()


class OpenTrial:
    """A trial that this program has taken: its run is in `folder`, which is locked."""

    def __init__(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        record: StudyRecord,
        folder: TrialFolder,
    ) -> None:
        self.number = trial.number
        self.folder = folder
        self.record = record
        self._study = study
        self._id = trial._trial_id
        self._trial: optuna.Trial | None = None

    @property
    def trial(self) -> optuna.Trial:
        """The trial as Optuna has it, with a sampler of its own."""
        if self._trial is not None:
            return self._trial
        self._study.sampler = make_sampler(self.record.seed, self.number)
        with from_optuna() as optuna:
            trial = self._trial = optuna.trial.Trial(self._study, self._id)
        return trial

    @property
    def reports(self) -> dict[int, float]:
        """The values that were reported so far, by epoch."""
        return self._frozen.intermediate_values

    @property
    def others(self) -> list[optuna.trial.FrozenTrial]:
        """The other trials of the study."""
        with from_optuna():
            trials = self._study.get_trials(deepcopy=False)
        return [each for each in trials if each.number != self.number]

    @property
    def _frozen(self) -> optuna.trial.FrozenTrial:
        with from_optuna():
            return self._study.get_trials(deepcopy=False)[self.number]

    @property
    def is_open(self) -> bool:
        """Whether the trial has still not ended; it may have in another program."""
        return not self._frozen.state.is_finished()

    def hyperparameters(self, lecture: Lecture) -> dict[str, Any]:
        """The hyperparameters of this trial. Raises InvalidValue."""
        space = self.record.space(lecture)
        return space.choose(lambda name, variation: pick(self.trial, name, variation))

    def complete(self, value: float, reason: str) -> None:
        """Record the value of the best model, and why the trial ended early if it did."""
        self._tell("COMPLETE", reason, value)

    def prune(self, reason: str) -> None:
        """Record that the trial was ended early, and why."""
        self._tell("PRUNED", reason)

    def fail(self, reason: str) -> None:
        """Record that the trial has no value, and why."""
        self._tell("FAIL", reason)

    def _tell(self, state: str, reason: str, value: float | None = None) -> None:
        """End the trial, unless another program has: it found the same run, so it said the same."""
        with from_optuna() as optuna:
            if reason and self.is_open:
                self.trial.set_user_attr("reason", reason[:500])
            kind = optuna.trial.TrialState[state]
            try:
                self._study.tell(self.number, value, state=kind, skip_if_finished=True)
            except RuntimeError:  # the other program was faster by a moment
                if self.is_open:
                    raise


class TrialListener:
    """Reports a trial's values to its study after each epoch, and stops it when it is pruned."""

    def __init__(self, trial: OpenTrial, control: Control) -> None:
        self._open = trial
        self._control = control
        self._every = 1
        self._epochs = 0
        self._is_pruned = False
        self._reported = set(trial.reports)

    def __call__(self, event: Event) -> None:
        """Report the value of an epoch, and ask the pruner."""
        if isinstance(event, RunStarted):
            self._epochs = event.epochs
            self._every = max(1, event.epochs // _REPORTS)
        elif isinstance(event, EpochCompleted) and not self._is_pruned:
            value = event.values.get(self._open.record.metric, math.nan)
            is_due = event.epoch % self._every == 0 or event.epoch == self._epochs
            if is_due and math.isfinite(value):
                try:
                    self._report(event.epoch, value)
                # The run is saved, and resumed when the storage can be used again.
                except StorageUnavailable as error:
                    self._control.stop(str(error), ExitCode.DATA_UNAVAILABLE)
                except DamagedRun as error:
                    self._control.stop(str(error), ExitCode.FAILED)

    def _report(self, epoch: int, value: float) -> None:
        trial = self._open.trial
        with from_optuna():
            if epoch not in self._reported:
                self._reported.add(epoch)
                trial.report(value, epoch)
            self._is_pruned = epoch < self._epochs and trial.should_prune()
        if self._is_pruned:
            reason = f"{PRUNED}at epoch {epoch}: {self._comparison(epoch, value)}"
            self._control.stop(reason, ExitCode.DONE)

    def _comparison(self, epoch: int, value: float) -> str:
        """Why the pruner ended the trial: its value beside those of the others."""
        record, trial = self._open.record, self._open
        shown = format_value(record.metric, value)
        is_hyperband = record.pruner == "hyperband"
        others = [
            each.intermediate_values[epoch]
            for each in trial.others
            if epoch in each.intermediate_values and (is_hyperband or each.state.name == "COMPLETE")
        ]
        if is_hyperband or not others:
            return f"{shown} isn't among the best third of {counted(len(others) + 1, 'trial')}"
        middle = format_number(record.metric, statistics.median(others))
        return f"{shown}, the median of {counted(len(others), 'trial')} is {middle}"
