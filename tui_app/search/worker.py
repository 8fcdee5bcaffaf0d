"""Trains trials of a study one after the other, until all have been begun; first those that another
program has left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from models import LectureError
from models.fields import InvalidValue, setting_text
from models.lecture import Lecture
from models.user_files.trust import UntrustedSource
from tui_app.runs.errors import DamagedRun, OutOfMemory, TrainingFailed
from tui_app.runs.events import PRUNED, Listener, RunCompleted
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.files.run_files import is_there
from tui_app.runs.listing import read_status
from tui_app.runs.run_folder import RunFolder
from tui_app.search.record import trial_settings
from tui_app.search.study import Study
from tui_app.search.trial import OpenTrial, TrialListener, finite_value
from tui_app.training.outcome import is_out_of_memory
from tui_app.training.session_request import MakeSession, NewRunRequest, ResumeRequest
from tui_app.training.steering.control import Control

#: Trains a run, and returns how it ended; the listener gets its events.
Train = Callable[[MakeSession, OpenTrial, Listener], RunCompleted]

#: Trials in a row that may fail otherwise than by diverging, before the worker gives up.
_FAILURES = 5


@dataclass(frozen=True, kw_only=True)
class TrialEnded:
    """How a trial ended: `value` is that of its best model, `settings` are those that vary."""

    number: int
    state: Literal["completed", "pruned", "failed"]
    value: float | None
    reason: str
    settings: Mapping[str, str]
    run: RunFolder
    epoch: int
    seconds: float

    def as_plain(self) -> dict[str, Any]:
        """The values as JSON can hold them."""
        return {**vars(self), "run": str(self.run.path), "settings": dict(self.settings)}


class Worker:
    """Trains trials in this process. `machine` are run options that hold only here."""

    def __init__(
        self,
        study: Study,
        lecture: Lecture,
        machine: Mapping[str, Any],
        control: Control,
        train: Train,
        on_ended: Callable[[TrialEnded], None],
    ) -> None:
        self._study = study
        self._lecture = lecture
        self._machine = {**machine, "runs_dir": str(study.runs_dir)}
        self._control = control
        self._train = train
        self._on_ended = on_ended
        self._failures = 0

    def work(self) -> None:
        """Train until all trials have been begun, or a stop is requested.

        Raises TrainingFailed if one trial after the other fails, and what keeps every trial from
        being trained: DataUnavailable, DeviceUnavailable, StorageUnavailable, ...
        """
        while self._control.stop_request is None:
            trial = self._study.left_trial() or self._study.new_trial()
            if trial is None:
                return
            try:
                self._run(trial)
            finally:
                trial.folder.unlock()

    def _run(self, trial: OpenTrial) -> None:
        """Train a trial, or record how it has ended."""
        self._control.begin_preparing()
        hyperparameters: dict[str, Any] = {}
        try:
            hyperparameters = trial.hyperparameters(self._lecture)
            completed = self._train_or_read(trial, hyperparameters)
            ended, reason = record_outcome(trial, completed), completed.reason
        except UntrustedSource:
            raise
        except (InvalidValue, LectureError, TrainingFailed, DamagedRun) as error:
            ended, reason = _failed(trial, str(error)), ""
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            ended, reason = _failed(trial, str(OutOfMemory())), ""
        if ended is not None:
            self._publish(ended, trial, hyperparameters)
        elif self._control.stop_request is None:
            self._count_failure(f"its run ended: {reason}")

    def _train_or_read(self, trial: OpenTrial, hyperparameters: dict[str, Any]) -> RunCompleted:
        """Train the trial's run from the start or from its last.pt; or read how it has ended."""
        folder = trial.folder
        make: MakeSession
        if is_there(folder.run_json):
            completed = recorded_end(trial)
            if completed is not None:
                return completed
            options = {n: v for n, v in self._machine.items() if n != "runs_dir"}
            make = ResumeRequest(folder, options=options, source="kept")
        else:
            settings = trial_settings(trial.record, self._lecture, hyperparameters, self._machine)
            of_study = {"name": self._study.name, "trial": trial.number}
            make = NewRunRequest(settings, folder, {"study": of_study})
        completed = self._train(make, trial, TrialListener(trial, self._control))
        stop = self._control.stop_request
        if stop is not None and stop.exit_code == ExitCode.DONE:  # meant for this trial alone
            self._control.withdraw_stop(stop)
        return completed

    def _publish(self, ended: TrialEnded, trial: OpenTrial, given: Mapping[str, Any]) -> None:
        texts = {n: setting_text(given[n]) for n in trial.record.vary if n in given}
        self._on_ended(TrialEnded(**{**vars(ended), "settings": texts}))
        if ended.state == "failed" and not ended.reason.startswith("diverged"):
            self._count_failure(ended.reason)
        else:
            self._failures = 0

    def _count_failure(self, reason: str) -> None:
        self._failures += 1
        if self._failures >= _FAILURES:
            raise TrainingFailed(
                f"{_FAILURES} trials in a row failed, the last one so: {reason}\n"
                f"`tutorch search --study {self._study.name}` goes on"
            )


def _failed(trial: OpenTrial, reason: str) -> TrialEnded:
    trial.fail(reason)
    return TrialEnded(
        number=trial.number,
        state="failed",
        value=None,
        reason=reason,
        settings={},
        run=trial.folder,
        epoch=0,
        seconds=0.0,
    )


def record_outcome(trial: OpenTrial, completed: RunCompleted) -> TrialEnded | None:
    """Tell the study how the trial's run ended; None if it is to be resumed."""
    state, reason, value = completed.state, completed.reason, completed.best_value
    is_done = completed.exit_code == ExitCode.DONE
    if state == "failed":
        trial.fail(reason)
    elif state == "stopped" and not is_done:
        return None
    elif state == "stopped" and (reason.startswith(PRUNED) or value is None):
        state = "pruned"
        trial.prune(reason)
    elif value is None:
        state, reason = "failed", f"{reason}, without a model whose value is finite"
        trial.fail(reason)
    else:
        # The user has stopped this trial alone: its best model counts.
        early = reason if state == "stopped" else ""
        state = "completed"
        trial.complete(value, early)
    return TrialEnded(
        number=trial.number,
        state=state if state in ("completed", "pruned") else "failed",
        value=value,
        reason=reason,
        settings={},
        run=trial.folder,
        epoch=completed.epoch,
        seconds=completed.seconds,
    )


def recorded_end(trial: OpenTrial) -> RunCompleted | None:
    """How the trial's run ended, if its program died before it told the study; else None.

    Raises DamagedRun.
    """
    status = read_status(trial.folder)
    state = status.get("state")
    is_end = state != "stopped" or not status.get("exit_code")
    if state not in ("completed", "failed", "stopped") or not is_end:
        return None
    try:
        exit_code, epoch, step, best_epoch = (
            int(status.get(name) or 0) for name in ("exit_code", "epoch", "step", "best_epoch")
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise DamagedRun(f"{trial.folder.status} is damaged: {error}"[:300]) from error
    return RunCompleted(
        run=trial.folder.name,
        state=state,
        reason=str(status.get("reason") or ""),
        exit_code=exit_code,
        epoch=epoch,
        step=step,
        seconds=0.0,
        metric=trial.record.metric,
        best_value=finite_value(status.get("best_value")),
        best_epoch=best_epoch or None,
    )
