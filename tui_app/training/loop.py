"""Trains a run to its end, as a generator that yields its events."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing

from tui_app.runs.events import (
    BestImproved,
    ControlApplied,
    EpochCompleted,
    Event,
    StateChanged,
    StepsCompleted,
    Warned,
)
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.run_folder import RunFolder
from tui_app.training.best_models import is_finite
from tui_app.training.evaluation import EvaluationStopped, evaluate, measures_flip, reduction_of
from tui_app.training.loss_buffer import (
    LossBuffer,
    first_diverged,
    loss_diverged_text,
    weights_diverged_text,
)
from tui_app.training.outcome import (
    EndTraining,
    Outcome,
    outcome_of_error,
    outcome_of_interruption,
    outcome_of_stop,
)
from tui_app.training.recording.choice import fastest_steps
from tui_app.training.run_events import run_completed, run_started
from tui_app.training.saver import Saver
from tui_app.training.seeding import undisturbed
from tui_app.training.short_epochs import ShortEpochs, short_epochs
from tui_app.training.state import EpochProgress, Training
from tui_app.training.steering.control import Control
from tui_app.training.step_runner import StepRunner
from tui_app.training.thread_changes import ThreadChanges
from tui_app.training.watchdog import StepInterrupted


def train(training: Training, control: Control) -> Iterator[Record]:
    """Train until the last epoch, a stop or a failure, and yield every event; those of short
    epochs packed.

    The caller passes each event to the listeners before training continues.
    """
    control.begin_training(lambda: training.step)
    try:
        with (
            closing(Saver(training, training.folder)) as saver,
            closing(fastest_steps(training)) as steps,
        ):
            yield from _train(_Loop(training, saver, control, steps), control)
    finally:
        control.cancel_requests()
        training.batches.close()


def _train(loop: _Loop, control: Control) -> Iterator[Record]:
    training = loop.training
    yield run_started(training)
    yield from loop.saver.save()
    try:
        while training.epoch < training.epochs:
            yield from loop.epoch()
        outcome = Outcome("completed", _all_trained(training.epochs), ExitCode.DONE)
        loop.check_weights()
    except EndTraining as end:
        outcome = end.outcome
    control.begin_finishing()
    # After a failure, or after half a step, last.pt stays as it was.
    if outcome.state != "failed" and not outcome.has_torn_weights:
        yield from loop.saver.save()
    yield from loop.saver.finish()
    if loop.saver.problem is not None:
        reason = _unsaved_text(loop.saver.problem, training.folder)
        outcome = Outcome("failed", reason, ExitCode.FAILED)
    loop.update_seconds()
    yield run_completed(training, outcome)


def _unsaved_text(problem: OSError, folder: RunFolder) -> str:
    what = problem.strerror or str(problem)
    return f"what was trained could not be saved in {folder.path}: {what}"


class _Loop:
    """One call of `train`: the run, and the state that no checkpoint needs."""

    def __init__(
        self, training: Training, saver: Saver, control: Control, steps: StepRunner
    ) -> None:
        self.saver = saver
        self.training = training
        self._control = control
        self._start = self._now() - training.seconds
        self._deadline = self._now() + (training.settings.options.max_time or math.inf)
        self._losses = LossBuffer()
        self._steps = steps
        self._threads = ThreadChanges(training)
        self._is_sum = reduction_of(training.criterion) == "sum"
        self._short = short_epochs(training, control)
        self._values: dict[str, float] = {}  # of the last evaluation

    # One epoch

    def epoch(self) -> Iterator[Record]:
        """Run the rest of the epoch's steps, then evaluate the model; short epochs before that."""
        try:
            if self._short is not None:
                yield from self._run_short_epochs(self._short)
            yield from self._run_steps()
            yield from self._finish_epoch()
            yield from self._threads.epoch_ended()
        except EndTraining:
            raise
        except StepInterrupted as error:
            if self._control.is_abandoned:
                raise
            self._control.begin_finishing()
            yield from self._publish_remaining_losses()
            outcome = outcome_of_interruption(self._control.stop_request, error)
            raise EndTraining(outcome) from error
        except Exception as error:
            outcome = outcome_of_error(error)
            if outcome is None:
                raise
            yield from self._publish_remaining_losses()
            raise EndTraining(outcome) from error

    def _run_short_epochs(self, short: ShortEpochs) -> Iterator[Record]:
        """Train a block of epochs, but for the end of the last one."""
        packed = short.train(self._values, self._losses, self._deadline, self._now)
        if packed is not None:
            yield packed
            if packed.last_best is not None:
                self.saver.best_changed()

    def _publish_remaining_losses(self) -> Iterator[Event]:
        """Close the block that an error ended, if the device still has its losses."""
        try:
            yield from self._close_block()
        except EndTraining:
            raise
        except Exception as error:
            if outcome_of_error(error) is None:
                raise

    def _run_steps(self) -> Iterator[Event]:
        training, losses, control = self.training, self._losses, self._control
        progress = training.epoch_progress
        training.model.train()
        training.apply_lr()
        start = self._now()
        self._steps.begin_epoch(training.epoch, progress.steps)
        while progress.steps < len(training.batches):
            # Before the batch is drawn: drawing may use random numbers that a stop must not lose.
            if control.attention or training.step in training.lr_changes or self._threads.is_due:
                progress.seconds += self._now() - start
                yield from self._handle_requests()
                start = self._now()
            if not training.schedule.is_constant:
                training.apply_lr()
            run = self._steps.run(self._most_steps())
            losses.add(run, training.current_lr)
            training.step += len(run.sizes)
            progress.steps += len(run.sizes)
            if training.pending_warnings:
                yield from self._publish_warnings()
            if losses.is_due:
                step_seconds = yield from self._close_block()
                yield from self._threads.block_closed(step_seconds)
                progress.seconds += self._now() - start
                yield from self._save_if_due()
                start = self._now()
        yield from self._close_block()
        progress.seconds += self._now() - start

    def _most_steps(self) -> int:
        """How many steps may run before the loop has something to do between two of them."""
        training = self.training
        if self._steps.longest == 1 or self._control.attention:
            return 1
        of_epoch = len(training.batches) - training.epoch_progress.steps
        changes = (*training.lr_changes, *training.thread_changes)
        until_change = (at - training.step for at in changes if at > training.step)
        return min(of_epoch, self._losses.room, *until_change)

    def _publish_warnings(self) -> Iterator[Event]:
        """Publish the warnings of the last step."""
        training = self.training
        texts, training.pending_warnings = training.pending_warnings, []
        for text in texts:
            yield Warned(run=training.run, epoch=training.epoch, step=training.step, text=text)

    def check_weights(self) -> None:
        """Raise EndTraining unless all weights are finite: a step with a finite loss may have
        changed that.
        """
        training = self.training
        if not is_finite(training.model):
            at = training.step, training.epoch + 1, training.best.best
            reason = weights_diverged_text(training.current_lr, *at)
            raise EndTraining(Outcome("failed", reason, ExitCode.FAILED))

    def _close_block(self) -> Generator[Event, None, float | None]:
        """Publish the losses of the block; raise EndTraining if they diverged. Returns the seconds
        of a step, if it had several.
        """
        closed = self._losses.close()
        if closed is None:
            return None
        training, losses = self.training, closed.losses
        first_step = training.step - len(losses) + 1
        if math.isnan(training.first_loss):
            training.first_loss = losses[0]
        for loss, size in zip(losses, closed.sizes, strict=True):
            training.epoch_progress.loss += loss if self._is_sum else loss * size
            training.epoch_progress.samples += size
        diverged = first_diverged(losses, training.first_loss)
        if diverged is not None:
            losses = losses[: diverged + 1]
            training.step = first_step + diverged
        yield StepsCompleted(
            run=training.run,
            epoch=training.epoch + 1,
            first_step=first_step,
            lr=closed.lr,
            losses=losses,
        )
        if diverged is not None:
            at = training.step, training.epoch + 1, training.best.best
            reason = loss_diverged_text(losses[-1], closed.lr, *at)
            raise EndTraining(Outcome("failed", reason, ExitCode.FAILED))
        return closed.step_seconds

    def _finish_epoch(self) -> Iterator[Event]:
        """Evaluate the model, and go on to the next epoch."""
        training, progress = self.training, self.training.epoch_progress
        epoch = training.epoch + 1
        is_measured = epoch % training.settings.options.eval_every == 0 or epoch == training.epochs
        values = self._values = self._evaluate() if is_measured else {}
        train_loss = progress.loss if self._is_sum else progress.loss / progress.samples
        training.epoch, training.epoch_progress = epoch, EpochProgress()
        self.update_seconds()
        yield EpochCompleted(
            run=training.run,
            epoch=epoch,
            step=training.step,
            lr=training.current_lr,
            seconds=progress.recorded_seconds,
            samples_per_second=progress.samples_per_second,
            values={"train_loss": train_loss, **values},
        )
        if not all(map(math.isfinite, values.values())):
            self.check_weights()
        if is_measured:
            yield from self._rank(values[training.metric])
        yield from self._save_if_due()

    def _evaluate(self) -> dict[str, float]:
        training, control = self.training, self._control
        try:
            with training.autocast():
                values = evaluate(
                    training.model,
                    training.criterion,
                    training.measured.split,
                    training.spec.task,
                    control.must_stop,
                    flip=measures_flip(training.hyperparameters),
                )
        except EvaluationStopped:
            raise EndTraining(outcome_of_stop(control.stop_request)) from None
        return training.measured.values(values)

    def _rank(self, value: float) -> Iterator[Event]:
        """Keep the model if it is among the best; end training if none has been for long."""
        training = self.training
        place = training.best.offer(value, training.epoch, training.step, training.model)
        training.evaluations_without_best = (
            0 if place == 0 else training.evaluations_without_best + 1
        )
        if place == 0:
            yield BestImproved(
                run=training.run,
                epoch=training.epoch,
                step=training.step,
                metric=training.metric,
                value=value,
            )
        if place is not None:
            self.saver.best_changed()
        patience = training.hyperparameters.early_stopping
        if patience and training.evaluations_without_best >= patience:
            reason = f"early stopping: no new best in {patience} evaluations"
            raise EndTraining(Outcome("completed", reason, ExitCode.DONE))

    # Between two steps

    def _handle_requests(self) -> Iterator[Event]:
        """Do what was requested of `control`: save, run callables, stop, change the lr, pause."""
        training, control = self.training, self._control
        yield from self._close_block()
        was_paused = False
        while True:
            if control.pop_save():
                self.saver.request()
            yield from self._save()
            for request in control.pop_requests():
                with undisturbed(training.model):
                    request.run(training)
            if control.stop_request:
                raise EndTraining(outcome_of_stop(control.stop_request))
            # After any save, so that a checkpoint holds the changes of exactly the steps before it.
            yield from self._change_lr()
            yield from self._threads.repeat()
            ends_epoch = training.epoch_progress.steps + 1 == len(training.batches)
            if control.may_step(ends_epoch=ends_epoch):
                break
            was_paused = True
            yield StateChanged(run=training.run, state="paused", step=training.step)
            control.wait(1.0)
        if was_paused:
            yield StateChanged(run=training.run, state="running", step=training.step)

    def _change_lr(self) -> Iterator[Event]:
        """Set the lr that was requested now, or at this step before the run was resumed."""
        training = self.training
        repeated = training.lr_changes.pop(training.step, None)
        lr = self._control.pop_lr() or repeated
        if lr is not None:
            training.lr = lr
            training.apply_lr()
            yield ControlApplied(run=training.run, first_step=training.step + 1, lr=lr)

    def _save_if_due(self) -> Iterator[Event]:
        self.update_seconds()
        yield from self._save()
        if self._now() >= self._deadline:
            limit = self.training.settings.options.max_time
            reason = f"the time limit of {limit:g} s is reached"
            raise EndTraining(Outcome("stopped", reason, ExitCode.DONE))

    def _save(self) -> Iterator[Event]:
        if self.saver.is_due:
            self.check_weights()  # so that there always is a checkpoint to go back to
        yield from self.saver.save_if_due()

    def update_seconds(self) -> None:
        """Set the run's seconds of training to those until now."""
        self.training.seconds = self._now() - self._start

    def _now(self) -> float:
        """The seconds of a clock that stands still while the program is suspended."""
        return time.perf_counter() - self._control.suspended


def _all_trained(epochs: int) -> str:
    return "the one epoch trained" if epochs == 1 else f"all {epochs} epochs trained"
