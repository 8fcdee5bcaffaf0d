"""A run from beginning to end: begun or taken up again, heard by its listeners, kept on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import BaseFileLock

from datasets import UnknownDataset
from datasets.fetch import Progress
from models import LectureError, UnknownLecture
from models.fields import InvalidValue
from models.mistakes import explain_in_one_line
from tui_app.training.audience import Audience, note_beside
from tui_app.training.base_rates import base_rates
from tui_app.training.beginning_and_end import run_completed
from tui_app.training.control import Control
from tui_app.training.control_socket import IS_AVAILABLE, ControlSocket
from tui_app.training.diagnosis.watch import Watch
from tui_app.training.ended import Ended
from tui_app.training.errors import DamagedRun, TrainingFailed
from tui_app.training.evaluation import reduction_of
from tui_app.training.events import Event, Listener, RunCompleted
from tui_app.training.exit_codes import ExitCode
from tui_app.training.loop import train
from tui_app.training.metrics_file import MetricsFile
from tui_app.training.narrate import Sparingly, printable
from tui_app.training.prepare import prepare
from tui_app.training.restore import extend, refuse_other_data, restore, with_options
from tui_app.training.rewinding import rewind_metrics
from tui_app.training.run_folder import LogFile, RunFolder, read_json
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
        settings = with_options(settings, {**as_trained, "max_time": 0.0, **options})
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
            refuse_other_data(training, record.get("data_fingerprint"))
            state = _status(folder).get("state")
            notes = restore(training, folder, was_completed=state == "completed")
            notes += [*_notes(training), *extend(training)]
            folder.write_record({**record, **_record(training)})
            changes = rewind_metrics(folder.metrics, training.epoch, training.step)
            # What made a run fail is not done again.
            training.lr_changes = {} if state == "failed" else changes
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
            audience = Audience([metrics, status, log], list(listeners))
            try:
                return self._listen_to(train(training, folder, control), audience, notes)
            except Exception as error:
                # Of a lecture's own code, mostly. The run is over, and says so in its folder.
                reason = f"training broke off: {explain_in_one_line(error)}"
                audience.tell(run_completed(training, Ended("failed", reason, ExitCode.FAILED)))
                log.add_traceback(error)
                raise TrainingFailed(f"{reason}\nThe traceback is in {folder.log}") from error

    def _listen_to(
        self, events: Iterable[Event], audience: Audience, notes: Iterable[str]
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
                    audience.tell(note_beside(event, text))
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
        "schedule": [list(span) for span in training.schedule.spans],
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


def _notes(training: Training) -> list[str]:
    """What the person should know of the data and the device."""
    device, notes = training.device, list(training.notes)
    if device.others:
        others = "another program is"
        if device.others > 1:
            others = f"{device.others} other programs are"
        notes.append(f"{others} using {device.name} ({device.title}) too: it may be slower")
    return notes
