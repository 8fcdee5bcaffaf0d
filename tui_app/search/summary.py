"""Summarises a study: its trials with live values, the best one, and which settings matter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from models.fields import setting_text
from tui_app.runs.errors import DamagedRun, RunLocked, UnknownStudy
from tui_app.runs.listing import current_state, read_status
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.variation import Variation
from tui_app.search.importance import importance_of
from tui_app.search.storage import shown_storage, stored_studies, study_argument
from tui_app.search.study import Study, open_study
from tui_app.search.trial import finite_value, run_name
from tui_app.text.quantities import counted

if TYPE_CHECKING:
    import optuna

#: `waiting`: no program trains it, and the next worker takes it, from the start or from last.pt.
#: `stopped`: the same, and its program had saved it and left.
TrialState = Literal["running", "waiting", "completed", "pruned", "failed", "stopped"]


@dataclass(frozen=True, kw_only=True)
class TrialSummary:
    """A trial of a study; its number counts from 0.

    `values` are the settings that vary, as text; a setting that has no effect with the others is
    missing. `metric_value` is that of the trial's best model so far. `run` is its run folder, if
    that is on this machine. `reason` says why it was pruned, stopped or failed, or completed before
    its last epoch; else it is empty.
    """

    number: int
    state: TrialState
    values: Mapping[str, str] = field(default_factory=dict)
    metric_value: float | None = None
    run: Path | None = None
    epoch: int = 0
    epochs: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class StudySummary:
    """A study, as it is now.

    `metric` is what the best trial is chosen by, on the split `chosen_on` (test, validation or
    train). `storage` has no password; `argument` names the study in a shell command. `settings`
    are those that vary, `fixed` the others that were given, as text. `total` is the number of
    trials that the study is to have. `importance` is each setting's share, from 0 to 1, of the
    differences between trials; None while too few trials are completed.
    """

    name: str
    lecture: str
    dataset: str
    metric: str
    higher_is_better: bool
    chosen_on: str
    storage: str
    settings: Mapping[str, Variation] = field(default_factory=dict)
    trials: tuple[TrialSummary, ...] = ()
    importance: Mapping[str, float] | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    total: int = 0
    pruner: str = "none"
    argument: str = ""

    @property
    def best(self) -> TrialSummary | None:
        """The completed trial with the best value; the earlier one of two that are equal."""
        best = None
        for trial in self.trials:
            value = trial.metric_value
            if trial.state != "completed" or value is None:
                continue
            if best is None or best.metric_value is None or self._is_better(value, best):
                best = trial
        return best

    @property
    def progress(self) -> str:
        """How far the study is: `12 of 40 trials, 10 completed, 2 pruned`."""
        counts = Counter(trial.state for trial in self.trials)
        states = [f"{count} {state}" for state, count in counts.most_common()]
        total = max(self.total, len(self.trials))
        return ", ".join([f"{len(self.trials)} of {counted(total, 'trial')}", *states])

    @property
    def is_unfinished(self) -> bool:
        """Whether a trial hasn't begun, or is left by its program."""
        left = any(trial.state in ("waiting", "stopped") for trial in self.trials)
        return left or len(self.trials) < self.total

    @property
    def state(self) -> str:
        """`running` while a program trains a trial; else `completed`, or `stopped`."""
        if any(trial.state == "running" for trial in self.trials):
            return "running"
        return "stopped" if self.is_unfinished else "completed"

    def _is_better(self, value: float, other: TrialSummary) -> bool:
        assert other.metric_value is not None
        if self.higher_is_better:
            return value > other.metric_value
        return value < other.metric_value


class StudyReader:
    """Reads one study again and again, and keeps its storage open meanwhile.

    Raises UnknownStudy, DamagedRun, InvalidValue and StorageUnavailable, at any time.
    """

    def __init__(self, name: str, runs_dir: Path, storage: str = "") -> None:
        self._study = open_study(name, runs_dir, storage)
        self._storage = shown_storage(storage, runs_dir, name)
        self._argument = study_argument(storage, runs_dir, name)
        self._importance: tuple[int, dict[str, float] | None] = 0, None

    def close(self) -> None:
        """Close the storage."""
        self._study.close()

    def read(self) -> StudySummary:
        """The study as it is now."""
        study, record = self._study, self._study.record
        trials = study.trials()
        return StudySummary(
            name=study.name,
            lecture=record.lecture,
            dataset=record.dataset,
            metric=record.metric,
            higher_is_better=record.higher_is_better,
            chosen_on=record.chosen_on,
            storage=self._storage,
            settings=record.vary,
            trials=tuple(summarise_trial(each, study) for each in trials),
            importance=self._importance_now(trials),
            fixed=record.fixed_texts,
            total=study.total,
            pruner=record.pruner,
            argument=self._argument,
        )

    def _importance_now(self, trials: list[optuna.trial.FrozenTrial]) -> dict[str, float] | None:
        """The importance of the settings; computed again when another trial has completed."""
        completed = sum(each.state.name == "COMPLETE" for each in trials)
        if completed != self._importance[0]:
            self._importance = completed, importance_of(self._study.optuna, completed)
        return self._importance[1]


def read_study(name: str, runs_dir: Path, storage: str = "") -> StudySummary:
    """The study as it is now. Raises what StudyReader does."""
    with closing(StudyReader(name, runs_dir, storage)) as reader:
        return reader.read()


def list_studies(
    runs_dir: Path, storage: str = "", on_problem: Callable[[str], None] = lambda text: None
) -> list[StudySummary]:
    """All studies of a storage; `on_problem` gets a sentence for each that can't be read.

    Raises InvalidValue and StorageUnavailable.
    """
    found = []
    for name in stored_studies(storage, runs_dir):
        try:
            found.append(read_study(name, runs_dir, storage))
        except (UnknownStudy, DamagedRun) as error:
            on_problem(str(error))
    return found


def summarise_trial(trial: optuna.trial.FrozenTrial, study: Study) -> TrialSummary:
    """A trial with the values of its run folder while it trains."""
    record, name = study.record, run_name(trial)
    folder = RunFolder(study.runs_dir / name) if name else None
    if folder is not None and not folder.path.is_dir():
        folder = None
    reports = _finite_reports(trial)
    best = max if record.higher_is_better else min
    so_far = best(reports.values()) if reports else None
    epochs = trial.params.get("epochs")
    value = finite_value((trial.values or [None])[0])
    values: dict[str, Any] = {
        "epoch": max(reports, default=0),
        "epochs": epochs if isinstance(epochs, int) else record.epochs,
        "metric_value": so_far if trial.state.name != "COMPLETE" else value,
        "reason": str(trial.user_attrs.get("reason") or ""),
        "state": _STATES.get(trial.state.name, "running"),
    }
    if values["state"] == "running" and folder is not None:
        values |= _live(folder)
        known = [each for each in (so_far, values["metric_value"]) if each is not None]
        values["metric_value"] = best(known, default=None)
    texts = {name: setting_text(trial.params[name]) for name in record.vary if name in trial.params}
    return TrialSummary(number=trial.number, values=texts, run=folder and folder.path, **values)


def _finite_reports(trial: optuna.trial.FrozenTrial) -> dict[int, float]:
    """The reported values by epoch; others may have written something else to the storage."""
    found = {epoch: finite_value(value) for epoch, value in trial.intermediate_values.items()}
    return {epoch: value for epoch, value in found.items() if value is not None}


_STATES: Mapping[str, TrialState] = {
    "COMPLETE": "completed",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "WAITING": "waiting",
}


def _live(folder: RunFolder) -> dict[str, Any]:
    """What the run folder of a trial that hasn't ended says of it."""
    try:
        status = read_status(folder)
        state = current_state(status)
    except DamagedRun as error:
        return {"state": "waiting", "reason": str(error)}
    if not status:
        return {"state": "running" if _is_locked(folder) else "waiting"}
    counts = {name: status.get(name) for name in ("epoch", "epochs")}
    found: dict[str, Any] = {n: v for n, v in counts.items() if isinstance(v, int)}
    value = finite_value(status.get("best_value"))
    if value is not None:
        found["metric_value"] = value
    if state in ("running", "paused"):
        return {**found, "state": "running"}
    if state == "stopped":
        return {**found, "state": "stopped", "reason": str(status.get("reason") or "")}
    if state == "crashed":
        return {**found, "state": "waiting", "reason": "its program died: a worker takes it again"}
    if _is_locked(folder):  # its program tells the study in this moment
        return {**found, "state": "running"}
    return {**found, "state": "waiting", "reason": "its run has ended: a worker records how"}


def _is_locked(folder: RunFolder) -> bool:
    """Whether a program has locked a run; also where nobody can."""
    try:
        folder.lock().release()
    except (RunLocked, DamagedRun, OSError):
        return True
    return False
