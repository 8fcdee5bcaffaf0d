"""Trains a run to its end, as a generator that yields its events."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import closing

from models.user_files.error_hints import explain_in_one_line
from tui_app.runs.errors import RankFailed
from tui_app.runs.events import Event, RunCompleted, StepsCompleted, Warned
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.run_folder import RunFolder
from tui_app.training.between_steps import between_steps
from tui_app.training.devices.precision import products_in
from tui_app.training.divergence import check_weights, end_by_loss, first_diverged
from tui_app.training.epoch_end import EpochEnd
from tui_app.training.evaluation import reduction_of
from tui_app.training.loss_buffer import LossBuffer
from tui_app.training.outcome import (
    EndTraining,
    Outcome,
    outcome_of_error,
    outcome_of_interruption,
    outcome_of_rank,
)
from tui_app.training.recording.choice import fastest_steps
from tui_app.training.run_clock import RunClock
from tui_app.training.run_events import run_completed, run_started
from tui_app.training.saver import Saver
from tui_app.training.short_epochs import ShortEpochs, short_epochs
from tui_app.training.state import Training
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
            products_in(training.settings.options.precision, training.device.name),
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
    try:
        yield from loop.saver.save()
        while training.epoch < training.epochs:
            yield from loop.epoch()
        outcome = Outcome("completed", _all_trained(training.epochs), ExitCode.DONE)
        check_weights(training)
    except EndTraining as end:
        outcome = end.outcome
    except RankFailed as error:
        outcome = outcome_of_rank(error)
    control.begin_finishing()
    try:
        completed = yield from _finish(loop, outcome)
    except RankFailed as error:  # no other rank is asked any more
        completed = yield from _finish(loop, outcome_of_rank(error))
    yield completed


def _finish(loop: _Loop, outcome: Outcome) -> Generator[Event, None, RunCompleted]:
    """Save what was trained, and make the last event."""
    training = loop.training
    # After a failure, or after half a step, last.pt stays as it was.
    if outcome.state != "failed" and not outcome.has_torn_weights:
        yield from loop.saver.save()
    yield from loop.saver.finish()
    if loop.saver.problem is not None:
        reason = _unsaved_text(loop.saver.problem, training.folder)
        outcome = Outcome("failed", reason, ExitCode.FAILED)
    # Another rank's disk may have been full.
    outcome = training.ranks.agree(lambda: outcome)
    loop.clock.update_seconds()
    return run_completed(training, outcome)


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
        self.clock = clock = RunClock(training, control)
        self._losses = LossBuffer()
        self._steps = steps
        self._threads = threads = ThreadChanges(training)
        self._between_steps = between_steps(training, saver, control, threads, clock, self._losses)
        self._epoch_end = EpochEnd(training, saver, control, clock)
        self._is_sum = reduction_of(training.criterion) == "sum"
        self._short = short_epochs(training, control)

    # One epoch

    def epoch(self) -> Iterator[Record]:
        """Run the rest of the epoch's steps, then evaluate the model; short epochs before that."""
        try:
            if self._short is not None:
                yield from self._run_short_epochs(self._short)
            yield from self._run_steps()
            yield from self._epoch_end.finish()
            yield from self._between_steps.save_if_due()
            yield from self._threads.epoch_ended()
        except EndTraining:
            raise
        except StepInterrupted as error:
            if self._control.is_abandoned:
                raise
            self._control.begin_finishing()
            # Other ranks may be elsewhere, and their random numbers aren't known.
            error.has_torn_weights |= self.training.ranks.count > 1
            outcome = outcome_of_interruption(self._control.stop_request, error)
            self.training.ranks.leave(outcome.reason, outcome.exit_code)
            yield from self._publish_remaining_losses()
            raise EndTraining(outcome) from error
        except Exception as error:
            ranks = self.training.ranks
            outcome = outcome_of_error(error, ranks.count)
            if outcome is None:
                ranks.leave(explain_in_one_line(error), ExitCode.FAILED)
                raise
            ranks.leave(outcome.reason, outcome.exit_code)
            yield from self._publish_remaining_losses()
            raise EndTraining(outcome) from error

    def _run_short_epochs(self, short: ShortEpochs) -> Iterator[Record]:
        """Train a block of epochs, but for the end of the last one."""
        packed = short.train(self._epoch_end.values, self._losses, self.clock)
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
        training, losses, clock = self.training, self._losses, self.clock
        progress = training.epoch_progress
        training.model.train()
        training.apply_lr()
        start = clock.now()
        self._steps.begin_epoch(training.epoch, progress.steps)
        while progress.steps < len(training.batches):
            # Before the batch is drawn: drawing may use random numbers that a stop must not lose.
            if self._between_steps.is_due:
                progress.seconds += clock.now() - start
                yield from self._close_block()
                yield from self._between_steps.handle_requests()
                start = clock.now()
            if not training.schedule.is_constant:
                training.apply_lr()
            run = self._steps.run(self._most_steps())
            losses.add(run, training.current_lr)
            training.step += len(run.sizes)
            progress.steps += len(run.sizes)
            if training.pending_warnings:
                yield from self._publish_warnings()
            if losses.is_due:
                yield from self._close_block()
                yield from self._threads.block_closed()
                progress.seconds += clock.now() - start
                yield from self._between_steps.save_if_due()
                start = clock.now()
        yield from self._close_block()
        progress.seconds += clock.now() - start
        if len(training.batches) == 1:  # a block times no first step
            self._threads.time_steps(1, progress.seconds)

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

    def _close_block(self) -> Iterator[Event]:
        """Publish the losses of the block; raise EndTraining if they diverged."""
        closed = self._losses.close()
        if closed is None:
            return
        self._threads.time_steps(len(closed.sizes) - 1, closed.seconds)
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
            raise end_by_loss(training, losses[-1], closed.lr)


def _all_trained(epochs: int) -> str:
    return "the one epoch trained" if epochs == 1 else f"all {epochs} epochs trained"
