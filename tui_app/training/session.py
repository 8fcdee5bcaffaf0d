"""Trains a prepared run: opens its files, publishes its events and records how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing, suppress
from typing import Any

from filelock import BaseFileLock

from models.user_files.error_hints import explain_in_one_line
from models.user_files.error_location import ends_program
from tui_app.runs.checkpoint import save_checkpoint
from tui_app.runs.errors import TrainingFailed
from tui_app.runs.event_text import Sparingly
from tui_app.runs.events import Event, Listener, RunCompleted, RunStarted, Warned
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.metrics_file import MetricsFile
from tui_app.runs.run_folder import LogFile, RunFolder
from tui_app.runs.status_file import StatusFile
from tui_app.training.control import Control
from tui_app.training.control_socket import ControlSocket
from tui_app.training.dispatcher import Dispatcher, warning_at
from tui_app.training.loop import train
from tui_app.training.outcome import Ended, stopped_inside
from tui_app.training.run_events import run_completed
from tui_app.training.socket_folder import IS_AVAILABLE
from tui_app.training.state import Training
from tui_app.training.watchdog import StepInterrupted

#: Called with each event of a run in the thread that trains it; its advice is published beside it.
Adviser = Callable[[Event], Iterable[Event]]


class Session:
    """A run that is ready to train, with its folder locked.

    Made by `start_run` or `resume_run`; `train` trains it and unlocks the folder.
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
