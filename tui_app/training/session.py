"""Trains a prepared run: opens its files, publishes its events and records how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import Any

from filelock import BaseFileLock

from models.user_files.error_hints import explain_in_one_line
from models.user_files.error_location import ends_program
from tui_app.runs.checkpoints.checkpoint import save_checkpoint
from tui_app.runs.errors import RankFailed, TrainingFailed
from tui_app.runs.event_text import LogText
from tui_app.runs.events import Event, Listener, RunCompleted, RunStarted, Warned
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.log_file import LogFile
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.metrics_file import MetricsFile
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord
from tui_app.runs.status_file import StatusFile
from tui_app.training.dispatcher import Dispatcher, TakesPacked, warning_at
from tui_app.training.loop import train
from tui_app.training.outcome import Outcome, outcome_of_interruption, outcome_of_stop
from tui_app.training.run_events import run_completed
from tui_app.training.state import Training
from tui_app.training.steering.control import Control
from tui_app.training.steering.control_socket import ControlSocket
from tui_app.training.steering.socket_folder import IS_AVAILABLE
from tui_app.training.watchdog import StepInterrupted

#: Called with each event of a run, or with packed epochs, in the thread that trains it; its advice
#: is published beside it.
Adviser = Callable[[Record], Iterable[Event]]


class Session:
    """A run that is ready to train, with its folder locked.

    Made by `start_run` or `resume_run`; `train` trains it and unlocks the folder.
    """

    def __init__(
        self,
        training: Training,
        folder: RunFolder,
        record: RunRecord,
        lock: BaseFileLock,
        notes: Iterable[str],
    ) -> None:
        self.training = training
        self.folder = folder
        self.record = record
        self._lock = lock
        self._notes = list(notes)
        self._is_training = False
        self._dispatcher = Dispatcher([], [])
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
            log = stack.enter_context(closing(LogFile(folder.log, LogText())))
            address, notes = _listen(control, stack)
            fields = {"control": address, **_best_of(training), **_ranks_of(training)}
            status = stack.enter_context(closing(StatusFile(folder.status, **fields)))
            files = [TakesPacked(file) for file in (metrics, status, log)]
            dispatcher = self._dispatcher = Dispatcher(files, list(listeners))
            try:
                adviser = start_adviser(self, control) if start_adviser is not None else _no_advice
                self._is_training = True
                return self._train(control, dispatcher, adviser, [*self._notes, *notes])
            except StepInterrupted as error:  # outside of the steps themselves
                if control.is_abandoned:
                    raise
                completed = run_completed(
                    training, outcome_of_interruption(control.stop_request, error)
                )
                dispatcher.publish(completed)
                return completed
            except RankFailed as error:  # outside of the steps, too
                outcome = Outcome("failed", str(error), error.exit_code)
                completed = run_completed(training, outcome)
                dispatcher.publish(completed)
                return completed
            except BaseException as error:
                if not isinstance(error, Exception) and not ends_program(error):
                    raise
                # Most likely in the code of a lecture: the folder records that the run failed.
                reason = f"error in training: {explain_in_one_line(error)}"
                outcome = Outcome("failed", reason, ExitCode.FAILED)
                dispatcher.publish(run_completed(training, outcome))
                log.add_traceback(error)
                raise TrainingFailed(f"{reason}\nThe traceback is in {folder.log}") from error

    def note(self, text: str) -> None:
        """Publish a warning from any thread; before training starts it is kept until then."""
        training = self.training
        if not self._is_training:
            self._notes.append(text)
            return
        warned = Warned(run=training.run, epoch=training.epoch, step=training.step, text=text)
        self._dispatcher.publish_from_outside(warned)

    def abandon(
        self, control: Control, where: str = "", outcome: Outcome | None = None
    ) -> RunCompleted:
        """Record from another thread that the run was stopped, since its own thread is stuck and
        can publish nothing from now on; or that it has this `outcome`. Training since the last
        checkpoint is lost.
        """
        control.is_abandoned = True
        training = self.training
        if outcome is None:
            outcome = outcome_of_stop(control.stop_request)
            outcome = replace(outcome, reason=f"{outcome.reason}{where}")
        completed = run_completed(training, replace(outcome, was_interrupted=True))
        self._dispatcher.publish_from_outside(completed, is_last=True)
        with suppress(OSError):  # else the older best models stay
            for place, kept in enumerate(training.best.ranking):
                save_checkpoint(self.folder.best(place), dict(kept.weights))
        control.cancel_requests()
        self._open.close()
        return completed

    def _train(
        self, control: Control, dispatcher: Dispatcher, adviser: Adviser, notes: Iterable[str]
    ) -> RunCompleted:
        event = None
        for event in train(self.training, control):
            advice = adviser(event)
            is_last = isinstance(event, RunCompleted)  # no event follows it
            for published in (*advice, event) if is_last else (event, *advice):
                dispatcher.publish(published)
            if isinstance(event, RunStarted):
                for text in notes:
                    dispatcher.publish(warning_at(event, text))
        assert isinstance(event, RunCompleted)
        return event


def _best_of(training: Training) -> dict[str, Any]:
    """What status.json has of the best model when training starts: a resumed run has one."""
    best = training.best.best
    return {
        "best_value": best.value if best is not None else None,
        "best_epoch": best.epoch if best is not None else None,
    }


def _ranks_of(training: Training) -> dict[str, Any]:
    """What status.json has of the ranks that train together; nothing if there is one process."""
    members = training.ranks.members
    ranks = [{"rank": each.rank, "host": each.host, "device": each.device} for each in members]
    return {"ranks": ranks} if ranks else {}


def _no_advice(event: Record) -> Iterable[Event]:
    return ()


def _listen(control: Control, stack: ExitStack) -> tuple[str | None, list[str]]:
    """Open the control socket: its address, and a warning if there can be none."""
    if not IS_AVAILABLE:
        return None, []
    try:
        server = stack.enter_context(closing(ControlSocket(control)))
    except OSError as error:
        return None, [f"`tutorch attach` can watch this run, but not control it: {error}"]
    return str(server.path), []
