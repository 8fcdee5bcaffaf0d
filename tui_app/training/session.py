"""A run from beginning to end: begun or taken up again, heard by its listeners, kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import BaseFileLock

from datasets import UnknownDataset
from datasets.fetch import Progress
from models import LectureError, UnknownLecture
from models.fields import InvalidValue, fields_of
from tui_app.training.base_rates import base_rates
from tui_app.training.beginning_and_end import run_completed
from tui_app.training.checkpoint import load_checkpoint
from tui_app.training.control import Control
from tui_app.training.control_socket import IS_AVAILABLE, ControlSocket
from tui_app.training.diagnosis.watch import Watch
from tui_app.training.ended import Ended
from tui_app.training.errors import DamagedRun, RunFinished, TrainingFailed
from tui_app.training.evaluation import reduction_of
from tui_app.training.events import Event, Listener, RunCompleted, Warned
from tui_app.training.exit_codes import ExitCode
from tui_app.training.files import CutShort
from tui_app.training.loop import train
from tui_app.training.metrics_file import MetricsFile
from tui_app.training.narrate import Sparingly, printable
from tui_app.training.options import RunOptions
from tui_app.training.prepare import prepare
from tui_app.training.rewinding import rewind_metrics
from tui_app.training.run_folder import LogFile, RunFolder, read_json
from tui_app.training.schedule import Schedule
from tui_app.training.settings import RunSettings, as_record, from_record
from tui_app.training.status_file import StatusFile
from tui_app.training.training import Training

OnProgress = Callable[[Progress], None]


class Session:
    """A run that is ready to train, in its folder.

    Made by `begin` or `take_up`, which lock the folder; `follow` trains it and frees the folder.
    """

    def __init__(
        self, training: Training, folder: RunFolder, lock: BaseFileLock, notes: Iterable[str]
    ) -> None:
        self.training = training
        self.folder = folder
        self._lock = lock
        self._notes = list(notes)

    @classmethod
    def begin(cls, settings: RunSettings, control: Control, on_progress: OnProgress) -> Session:
        """Prepare a new run, then make its folder. Raises what both of these raise."""
        training = prepare(settings, on_progress, lambda: control.stopped is not None)
        folder = RunFolder.create(Path(settings.options.runs_dir), settings.lecture.name)
        lock = folder.lock()
        training.run = folder.name
        folder.write_record(_record(training))
        return cls(training, folder, lock, _notes(training))

    @classmethod
    def take_up(
        cls,
        folder: RunFolder,
        control: Control,
        on_progress: OnProgress,
        *,
        epochs: int | None = None,
        **options: Any,
    ) -> Session:
        """Prepare a run to go on exactly where its last.pt left it, or to have more `epochs`.

        `options` are those of RunOptions that are other than before, such as the device. A time
        limit was for the earlier session alone. Raises DamagedRun, RunFinished, and what `prepare`
        does.
        """
        record, settings = folder.read_record(), read_settings(folder)
        as_trained = {"device": record.get("device"), "threads": record.get("threads")}
        settings = _with_options(settings, {**as_trained, "max_time": 0.0, **options})
        if epochs is not None:
            hp = replace(settings.hyperparameters, epochs=epochs)
            settings = replace(settings, hyperparameters=hp)
        with ExitStack() as stack:
            lock = folder.lock()
            stack.callback(lock.release)
            folder.remove_unfinished()
            training = prepare(settings, on_progress, lambda: control.stopped is not None)
            training.run = folder.name
            if "threads" not in options and "threads_reason" in record:
                training.threads_reason = printable(str(record["threads_reason"]))
            _refuse_other_data(training, record.get("data_fingerprint"))
            notes = [*_restore(training, folder), *_notes(training), *_extend(training)]
            folder.write_record({**record, **_record(training)})
            failed = _status(folder).get("state") == "failed"
            changes = rewind_metrics(folder.metrics, training.epoch, training.step)
            # What made a run fail is not done again.
            training.lr_changes = {} if failed else changes
            stack.pop_all()
        return cls(training, folder, lock, notes)

    def follow(self, control: Control, listeners: Iterable[Listener]) -> RunCompleted:
        """Train, and let every listener hear every event; the folder's own files come first."""
        training, folder = self.training, self.folder
        with ExitStack() as stack:
            stack.callback(self._lock.release)
            metrics = stack.enter_context(closing(MetricsFile(folder.metrics)))
            log = stack.enter_context(closing(LogFile(folder.log, Sparingly())))
            address, note = _listen(control, stack)
            notes = [*self._notes, *note]
            status = stack.enter_context(closing(StatusFile(folder.status, control=address)))
            audience = _Audience([metrics, status, log], list(listeners))
            try:
                return self._listen_to(train(training, folder, control), audience, notes)
            except Exception as error:
                # Of a lecture's own code, mostly. The run is over, and says so in its folder.
                reason = f"training broke off: {type(error).__name__}: {error}"
                log.add_traceback(error)
                audience.tell(run_completed(training, Ended("failed", reason, ExitCode.FAILED)))
                raise TrainingFailed(f"{reason}\nThe traceback is in {folder.log}") from error

    def _listen_to(
        self, events: Iterable[Event], audience: _Audience, notes: Iterable[str]
    ) -> RunCompleted:
        watch = Watch(self.training, self.folder, _record(self.training))
        event = None
        for event in events:
            advice = watch.hear(event)
            is_last = isinstance(event, RunCompleted)  # nothing is heard after it
            for told in (*advice, event) if is_last else (event, *advice):
                audience.tell(told)
            if event.kind == "started":
                for text in notes:
                    audience.tell(_note(event, text))
        assert isinstance(event, RunCompleted)
        return event


def _listen(control: Control, stack: ExitStack) -> tuple[str | None, list[str]]:
    """Where the run can be steered by other programs, if it can; what to say when it can't."""
    if not IS_AVAILABLE:
        return None, []
    try:
        listening = stack.enter_context(closing(ControlSocket(control)))
    except OSError as error:
        return None, [f"`tutorch attach` can watch this run, but not steer it: {error}"]
    return str(listening.path), []


class _Audience:
    """Everyone who hears of a run. A disk that takes no more doesn't end it: that is told once."""

    def __init__(self, files: Sequence[Listener], others: Sequence[Listener]) -> None:
        self._files = files
        self._others = others
        self._failing: set[int] = set()

    def tell(self, event: Event) -> None:
        """Let everyone hear the event."""
        for number, listener in enumerate(self._files):
            try:
                listener(event)
            except CutShort as error:
                self._tell_others(_note(event, str(error)))
            except OSError as error:
                if number not in self._failing:
                    self._failing.add(number)
                    self._tell_others(_note(event, _UNWRITTEN.format(error.strerror or error)))
        self._tell_others(event)

    def _tell_others(self, event: Event) -> None:
        for listener in self._others:
            listener(event)


_UNWRITTEN = (
    "the run folder takes nothing more ({}). Training goes on, and what is recorded is kept in "
    "memory until there is room"
)


def _note(beside: Event, text: str) -> Warned:
    """A warning at the epoch and step of the event `beside`, as far as it has such."""
    epoch, step = getattr(beside, "epoch", 0), getattr(beside, "step", 0)
    return Warned(run=beside.run, epoch=epoch, step=step, text=text)


def read_settings(folder: RunFolder) -> RunSettings:
    """The settings of the run in `folder`. Raises DamagedRun."""
    try:
        return from_record(folder.read_record(), folder.path.parent.parent)
    except (InvalidValue, UnknownDataset, UnknownLecture, LectureError) as error:
        raise DamagedRun(f"{folder.run_json} can't be used: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedRun(f"{folder.run_json} is not a run's record: {error!r}") from error


def _record(training: Training) -> dict[str, object]:
    return {
        **as_record(training.settings),
        "device": training.device.name,
        "threads": training.threads,
        "threads_reason": training.threads_reason,
        "data_fingerprint": training.fingerprint,
        "parameters": training.parameters,
        "steps_per_epoch": len(training.batches),
        "metric": training.metric,
        "chosen_on": training.measured.name,
        "reduction": reduction_of(training.criterion),
        "train_size": training.train_size,
        "base_rates": base_rates(training),
    }


def _status(folder: RunFolder) -> dict[str, Any]:
    try:
        return read_json(folder.status)
    except DamagedRun:
        return {}


def _with_options(settings: RunSettings, options: dict[str, Any]) -> RunSettings:
    try:
        checked = {name: fields_of(RunOptions)[name].check(v) for name, v in options.items()}
    except InvalidValue as error:
        raise DamagedRun(f"run.json doesn't say how the run was trained: {error}") from error
    return replace(settings, options=replace(settings.options, **checked))


def _refuse_other_data(training: Training, fingerprint: object) -> None:
    if training.fingerprint != fingerprint:
        raise DamagedRun(
            f"the data set {training.settings.dataset} is not what {training.run} began with: "
            "going on with other data would be another run"
        )


def _restore(training: Training, folder: RunFolder) -> list[str]:
    """Go back to the newest checkpoint that is whole; what to say when it isn't last.pt.

    Raises DamagedRun when none is, RunFinished when there is nothing left to train.
    """
    if not folder.has_checkpoint():
        return [f"{folder.name} broke off before anything was saved: it begins once more"]
    try:
        _load_state(training, folder.last)
        notes = []
    except DamagedRun as damage:
        if not folder.previous.exists():
            raise
        try:
            _load_state(training, folder.previous)
        except DamagedRun as older:
            raise DamagedRun(f"{damage}; {older}") from older
        notes = [f"{damage}. The run goes on from the checkpoint before it"]
    if training.epoch >= training.epochs:
        raise RunFinished(
            f"{folder.name} has had all its {training.epoch} epochs; "
            f"`tutorch resume {folder.name} --epochs N` with a larger N trains it further"
        )
    if training.evaluations_without_best >= training.hyperparameters.early_stopping > 0:
        training.evaluations_without_best = 0  # it was stopped for that: now it has a new chance
    return notes


def _load_state(training: Training, path: Path) -> None:
    state = load_checkpoint(path)
    try:
        training.load_state_dict(state)
    except Exception as error:  # torch looks closely at what it is given, or not at all
        raise DamagedRun(f"{path} doesn't belong to this run: {error}") from error


def _extend(training: Training) -> list[str]:
    """Give the schedule the run's new end, where that moved; what to say of it."""
    schedule, steps = training.schedule, training.epochs * len(training.batches)
    if schedule.last_step == steps:
        return []
    first_step = schedule.first_step
    notes = []
    if schedule.is_bounded:
        first_step = training.step
        notes = [
            f"a {training.hyperparameters.lr_schedule} schedule is made for its length: "
            f"a new one goes from step {first_step + 1} to step {steps}"
        ]
    training.schedule = Schedule(training.hyperparameters, len(training.batches), first_step, steps)
    return notes


def _notes(training: Training) -> list[str]:
    """What the person should know of the data and the device."""
    device, notes = training.device, list(training.notes)
    if device.others:
        others = "another program is"
        if device.others > 1:
            others = f"{device.others} other programs are"
        notes.append(f"{others} using {device.name} ({device.title}) too: it may be slower")
    return notes
