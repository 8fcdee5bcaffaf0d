"""Creates, joins and opens a study, and hands out its trials: each to one worker at a time."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.fields import InvalidValue
from tui_app.runs.errors import DamagedRun, RunLocked, UnknownStudy, UnrecordedStudy
from tui_app.runs.listing import current_state, read_status
from tui_app.runs.run_folder import RunFolder
from tui_app.search.library import from_optuna
from tui_app.search.record import StudyRecord
from tui_app.search.sampling import make_pruner
from tui_app.search.storage import close_storage, open_storage
from tui_app.search.trial import OpenTrial, TrialFolder, run_name

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage

_RECORD = "tutorch"
_TOTAL = "trials"

#: Seconds to wait for the program that has created a study to record its settings.
_PATIENCE = 5.0

#: Seconds to wait for the one who only looks whether a run is locked.
_LOOK = 0.02

#: Why a trial fails whose run folder the user has removed.
_GONE = "its run folder is gone"

#: Marks a trial beyond the study's number of trials, which two workers made at the same time.
_SURPLUS = "surplus"


class Study:
    """An open study. Its trials are shared by all programs that have it open."""

    def __init__(
        self,
        name: str,
        record: StudyRecord,
        study: optuna.Study,
        runs_dir: Path,
        storage: BaseStorage,
    ) -> None:
        self.name = name
        self.record = record
        self.optuna = study
        self.runs_dir = runs_dir
        self._storage = storage
        with from_optuna():
            study.pruner = make_pruner(record)

    def close(self) -> None:
        """Close its storage."""
        close_storage(self._storage)

    @property
    def total(self) -> int:
        """The number of trials that the study is to have."""
        with from_optuna():
            total = self.optuna.user_attrs.get(_TOTAL)
        return total if isinstance(total, int) else 0

    def extend(self, total: int) -> None:
        """Let the study have so many trials, unless it has more already."""
        if total > self.total:
            with from_optuna():
                self.optuna.set_user_attr(_TOTAL, total)

    def refuse_other(self, record: StudyRecord) -> None:
        """Raise InvalidValue if `record` describes other trials than those of this study."""
        if not self.record.is_same_search(record):
            raise InvalidValue(
                f"the study {self.name!r} exists, with other settings: name a new one with "
                f"--study, or go on with `tutorch search --study {self.name}` alone",
                "study",
            )

    def new_trial(self) -> OpenTrial | None:
        """Begin a trial, with a run folder of its own; None if all trials have been begun.

        The folder is locked first, and recorded in the same moment as the trial: another program
        finds no trial that seems to belong to nobody.
        """
        if len(self.trials()) >= self.total:
            return None
        folder = TrialFolder(RunFolder.create(self.runs_dir, self.record.lecture).path)
        folder.lock()
        attributes = {"run": folder.name, **self._place}
        with from_optuna() as optuna:
            running = optuna.trial.TrialState.RUNNING
            self.optuna.add_trial(optuna.trial.create_trial(state=running, user_attrs=attributes))
        own = next(each for each in self._running() if each.user_attrs.get("run") == folder.name)
        trial = OpenTrial(self.optuna, own, self.record, folder)
        if sum(each.number < own.number for each in self.trials()) < self.total:
            return trial
        with from_optuna():
            trial.trial.set_user_attr(_SURPLUS, True)
        trial.fail("the study had enough trials")
        folder.unlock()
        shutil.rmtree(folder.path, ignore_errors=True)
        return None

    def left_trial(self) -> OpenTrial | None:
        """A trial that its program has left or died in, if its run folder is on this machine.

        The lock of the run decides that no other program takes it, too.
        """
        for each in self._running():
            name = run_name(each)
            folder = TrialFolder(self.runs_dir / name) if name else None
            if folder is None or _is_trained(folder):
                continue
            if not folder.path.is_dir():
                if self._place.items() <= each.user_attrs.items():
                    OpenTrial(self.optuna, each, self.record, folder).fail(_GONE)
                continue
            if not _lock(folder):
                continue
            trial = OpenTrial(self.optuna, each, self.record, folder)
            if trial.is_open:
                return trial
            folder.unlock()
        return None

    @property
    def _place(self) -> dict[str, str]:
        """Where the run folders are that this program makes."""
        return {"host": socket.gethostname(), "runs_dir": str(self.runs_dir)}

    def _running(self) -> list[optuna.trial.FrozenTrial]:
        with from_optuna() as optuna:
            running = (optuna.trial.TrialState.RUNNING,)
            return self.optuna.get_trials(deepcopy=False, states=running)

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        """All trials that count, in the order of their numbers."""
        with from_optuna():
            trials = self.optuna.get_trials(deepcopy=False)
        return [each for each in trials if not each.user_attrs.get(_SURPLUS)]


def open_study(name: str, runs_dir: Path, storage: str) -> Study:
    """Open a study that exists.

    Raises UnknownStudy, UnrecordedStudy, DamagedRun and what `open_storage` does.
    """
    with _opened(storage, runs_dir, name) as opened:
        with from_optuna() as optuna:
            try:
                study = optuna.load_study(study_name=name, storage=opened)
            except KeyError as error:
                raise UnknownStudy(
                    f"there is no study {name!r} there: `tutorch studies` lists them"
                ) from error
            except (ValueError, TypeError, AssertionError) as error:
                raise DamagedRun(f"the study {name!r} can't be read: {error}"[:300]) from error
            recorded = study.user_attrs.get(_RECORD)
        if recorded is None:
            raise _unrecorded(name)
        return Study(name, StudyRecord.of(recorded), study, runs_dir, opened)


def create_or_join(
    name: str, record: StudyRecord, runs_dir: Path, storage: str, total: int
) -> Study:
    """Create a study of at least `total` trials, or join the one that another program has created
    in this moment. A study whose creator was killed before it recorded the settings is taken over.

    Raises InvalidValue if that makes other trials, UnrecordedStudy if it is another program's, and
    what `open_storage` does.
    """
    direction = "maximize" if record.higher_is_better else "minimize"
    with _opened(storage, runs_dir, name, create=True) as opened:
        with from_optuna() as optuna:
            try:
                study = optuna.create_study(study_name=name, storage=opened, direction=direction)
                recorded = None
            except optuna.exceptions.DuplicatedStudyError:
                study = optuna.load_study(study_name=name, storage=opened)
                recorded = _recorded(study)
                if recorded is None and not _is_empty(study, direction):
                    raise _unrecorded(name) from None
            if recorded is None:  # new, or its creator was killed in this moment
                study.set_user_attr(_TOTAL, total)
                study.set_user_attr(_RECORD, record.as_plain())
                recorded = record.as_plain()
        joined = Study(name, StudyRecord.of(recorded), study, runs_dir, opened)
        joined.refuse_other(record)
        joined.extend(total)
        return joined


@contextmanager
def _opened(
    storage: str, runs_dir: Path, name: str, *, create: bool = False
) -> Iterator[BaseStorage]:
    """Open a storage, and close it again if the study can't be opened."""
    opened = open_storage(storage, runs_dir, name, create=create)
    try:
        yield opened
    except BaseException:
        close_storage(opened)
        raise


def _recorded(study: optuna.Study) -> Any:
    """What the creator of a study recorded; None if it hasn't for some seconds."""
    end = time.monotonic() + _PATIENCE
    while _RECORD not in study.user_attrs and time.monotonic() < end:
        time.sleep(0.05)
    return study.user_attrs.get(_RECORD)


def _is_empty(study: optuna.Study, direction: str) -> bool:
    """Whether a study has neither trials nor attributes of another program."""
    is_ours = study.user_attrs.keys() <= {_TOTAL} and study.direction.name.lower() == direction
    return is_ours and not study.get_trials(deepcopy=False)


def _unrecorded(name: str) -> UnrecordedStudy:
    return UnrecordedStudy(
        f"the study {name!r} records no settings: it isn't tutorch's, or its search was killed as "
        f"it began: `tutorch search LECTURE --vary ... --study {name}` begins it again"
    )


def _lock(folder: RunFolder) -> bool:
    """Lock the run of a trial; False if another worker has. Who only looks at the study locks it
    too, for less than a millisecond: a second attempt tells them apart.
    """
    for pause in (_LOOK, 0.0):
        try:
            folder.lock()
        except RunLocked:
            time.sleep(pause)
        except DamagedRun:
            return False
        else:
            return True
    return False


def _is_trained(folder: RunFolder) -> bool:
    """Whether a program on any machine trains the run, by its process or its heartbeat."""
    try:
        return current_state(read_status(folder)) in ("running", "paused")
    except DamagedRun:
        return False
