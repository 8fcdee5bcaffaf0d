"""A run from beginning to end: begun or taken up again, heard by its listeners, kept on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from filelock import BaseFileLock

from datasets.reading.progress import Progress
from models.user_files.error_hints import explain_in_one_line
from models.user_files.error_location import ends_program
from tui_app.runs.checkpoint import save_checkpoint
from tui_app.runs.errors import DamagedRun, TrainingFailed
from tui_app.runs.event_text import Sparingly
from tui_app.runs.events import Event, Listener, RunCompleted, RunStarted, Warned
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.metrics_file import MetricsFile
from tui_app.runs.metrics_rewind import rewind_metrics
from tui_app.runs.run_data import as_trained_with, write_kept_data
from tui_app.runs.run_folder import LogFile, RunFolder, read_json
from tui_app.runs.run_settings import settings_to_resume
from tui_app.runs.run_source import Use, is_other_source, keep_source, record_of_resumed
from tui_app.runs.run_trust import trust_copy
from tui_app.runs.settings import RunSettings
from tui_app.runs.status_file import StatusFile
from tui_app.text.escaping import printable
from tui_app.training.control import Control
from tui_app.training.control_socket import ControlSocket
from tui_app.training.dispatcher import Dispatcher, warning_at
from tui_app.training.local_data_hint import better_data
from tui_app.training.loop import train
from tui_app.training.outcome import Ended, stopped_inside
from tui_app.training.prepare import prepare
from tui_app.training.restore import (
    extend,
    restore,
    restore_with_changed_source,
    with_options,
)
from tui_app.training.run_events import run_completed
from tui_app.training.run_record import record_of
from tui_app.training.socket_folder import IS_AVAILABLE
from tui_app.training.state import Training
from tui_app.training.watchdog import StepInterrupted

OnProgress = Callable[[Progress], None]

#: Called with each event of a run in the thread that trains it; its advice is published beside it.
Adviser = Callable[[Event], Iterable[Event]]


class Session:
    """A run that is ready to train, in its folder.

    Made by `begin` or `resume`, which lock the folder; `train` trains it and unlocks the folder.
    """

    def __init__(
        self,
        training: Training,
        folder: RunFolder,
        record: Mapping[str, Any],
        lock: BaseFileLock,
        notes: Iterable[str],
    ) -> None:
        self.training = training
        self.folder = folder
        self.record = record
        self._lock = lock
        self._notes = list(notes)
        self._is_training = False
        self._audience = Dispatcher([], [])
        self._open = ExitStack()

    @classmethod
    def begin(cls, settings: RunSettings, control: Control, on_progress: OnProgress) -> Session:
        """Prepare a new run, then make its folder. Raises what both of these raise."""
        training = prepare(settings, on_progress, control.must_stop)
        if control.is_abandoned:
            raise StepInterrupted
        folder = RunFolder.create(Path(settings.options.runs_dir), settings.lecture.name)
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, folder.path, ignore_errors=True)
            lock = folder.lock()
            stack.callback(lock.release)
            training.run_folder = folder
            notes = [*better_data(settings), *_notes(training)]
            if settings.lecture.source is not None:
                keep_source(folder, settings.lecture.source)
                notes += trust_copy(folder, settings.lecture.source)
            write_kept_data(folder, training)
            record = record_of(training)
            folder.write_record(record)
            stack.pop_all()
        return cls(training, folder, record, lock, notes)

    @classmethod
    def resume(
        cls,
        folder: RunFolder,
        control: Control,
        on_progress: OnProgress,
        *,
        epochs: int | None = None,
        source: Use | None = None,
        **options: Any,
    ) -> Session:
        """Prepare a run to go on exactly where its last.pt left it, or to have more `epochs`.

        `source` says with which source, where a user's own file has changed since.
        `options` are those of RunOptions that are other than before, such as the device. A time
        limit was for the earlier session alone. Raises DamagedRun, RunFinished, and what `prepare`
        does.
        """
        record, settings = folder.read_record(), settings_to_resume(folder, source)
        as_trained = {"device": record.get("device"), "threads": record.get("threads")}
        settings = with_options(settings, {**as_trained, "max_time": 0.0, **options})
        if epochs is not None:
            hp = replace(settings.hyperparameters, epochs=epochs)
            settings = replace(settings, hyperparameters=hp)
        with ExitStack() as stack:
            lock = folder.lock()
            stack.callback(lock.release)
            folder.refuse_irregular_files()
            folder.remove_unfinished()
            accept = partial(as_trained_with, folder, settings.dataset)
            training = prepare(settings, on_progress, control.must_stop, accept)
            if control.is_abandoned:
                raise StepInterrupted
            training.run_folder = folder
            if "threads" not in options and "threads_reason" in record:
                training.threads_reason = printable(str(record["threads_reason"]))
            state = _status(folder).get("state")
            back = (
                restore_with_changed_source
                if is_other_source(settings.lecture, record)
                else restore
            )
            notes = back(training, folder, was_completed=state == "completed")
            notes += [*filter(None, [settings.note]), *_notes(training), *extend(training)]
            now, made_of = record_of(training), settings.lecture.source
            write_kept_data(folder, training)
            folder.write_record(record_of_resumed(folder, record, now, made_of, training.step))
            if made_of is not None:
                notes += trust_copy(folder, made_of)
            changes = rewind_metrics(
                folder.metrics, training.epoch, training.step, control.must_stop
            )
            # What made a run fail is not done again.
            training.lr_changes = {} if state == "failed" else changes
            stack.pop_all()
        return cls(training, folder, now, lock, notes)

    def train(
        self,
        control: Control,
        listeners: Iterable[Listener],
        start_adviser: Callable[[Session, Control], Adviser] | None = None,
    ) -> RunCompleted:
        """Train, and pass every event to the folder's files, then to the listeners.

        The adviser is made when training starts, and is called before the listeners.
        """
        training, folder = self.training, self.folder
        with self._open as stack:
            stack.callback(self._lock.release)
            metrics = stack.enter_context(closing(MetricsFile(folder.metrics)))
            log = stack.enter_context(closing(LogFile(folder.log, Sparingly())))
            address, notes = _listen(control, stack)
            status = stack.enter_context(closing(StatusFile(folder.status, control=address)))
            audience = self._audience = Dispatcher([metrics, status, log], list(listeners))
            try:
                adviser = start_adviser(self, control) if start_adviser is not None else _no_advice
                self._is_training = True
                return self._train(control, audience, adviser, [*self._notes, *notes])
            except StepInterrupted as error:  # outside of the steps themselves
                if control.is_abandoned:
                    raise
                completed = run_completed(training, stopped_inside(control.stopped, error))
                audience.tell(completed)
                return completed
            except BaseException as error:
                if not isinstance(error, Exception) and not ends_program(error):
                    raise
                # Of a lecture's own code, mostly. The run is over, and says so in its folder.
                reason = f"training broke off: {explain_in_one_line(error)}"
                audience.tell(run_completed(training, Ended("failed", reason, ExitCode.FAILED)))
                log.add_traceback(error)
                raise TrainingFailed(f"{reason}\nThe traceback is in {folder.log}") from error

    def note(self, text: str) -> None:
        """Tell something of the run, from any thread; before it trains, as soon as it does."""
        training = self.training
        if not self._is_training:
            self._notes.append(text)
            return
        warned = Warned(run=training.run, epoch=training.epoch, step=training.step, text=text)
        self._audience.publish_from_outside(warned)

    def abandon(self, control: Control, where: str = "") -> RunCompleted:
        """Record from another thread that the run is stopped: its own doesn't come back, and won't
        be heard any more. What was trained since last.pt was saved is lost.
        """
        control.is_abandoned = True
        stop, training = control.stopped, self.training
        assert stop is not None
        ended = Ended("stopped", f"{stop.reason}{where}", stop.exit_code, given_up=True)
        completed = run_completed(training, ended)
        self._audience.publish_from_outside(completed, is_last=True)
        with suppress(OSError):  # as the checkpoint before, the one before stays
            for place, kept in enumerate(training.best.ranking):
                save_checkpoint(self.folder.best(place), dict(kept.weights))
        control.cancel_requests()
        self._open.close()
        return completed

    def _train(
        self, control: Control, audience: Dispatcher, adviser: Adviser, notes: Iterable[str]
    ) -> RunCompleted:
        event = None
        for event in train(self.training, control):
            advice = adviser(event)
            is_last = isinstance(event, RunCompleted)  # no event follows it
            for published in (*advice, event) if is_last else (event, *advice):
                audience.tell(published)
            if isinstance(event, RunStarted):
                for text in notes:
                    audience.tell(warning_at(event, text))
        assert isinstance(event, RunCompleted)
        return event


def _no_advice(event: Event) -> Iterable[Event]:
    return ()


def _listen(control: Control, stack: ExitStack) -> tuple[str | None, list[str]]:
    """Where the run can be steered by other programs, if it can; what to say when it can't."""
    if not IS_AVAILABLE:
        return None, []
    try:
        listening = stack.enter_context(closing(ControlSocket(control)))
    except OSError as error:
        return None, [f"`tutorch attach` can watch this run, but not steer it: {error}"]
    return str(listening.path), []


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
