"""The training loop: a generator that trains a run to its end and yields what happens."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
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
from tui_app.runs.run_folder import RunFolder
from tui_app.training.best_models import is_finite
from tui_app.training.control import Control
from tui_app.training.cuda_graph import fastest_step
from tui_app.training.evaluation import EvaluationStopped, evaluate, reduction_of
from tui_app.training.loss_buffer import Block, diagnosis, first_diverged, weights_diverged_text
from tui_app.training.outcome import Ended, ended_by, stopped_inside
from tui_app.training.run_events import run_completed, run_started
from tui_app.training.saver import Saver
from tui_app.training.seeding import undisturbed
from tui_app.training.state import EpochProgress, Training
from tui_app.training.watchdog import StepInterrupted


def train(training: Training, control: Control) -> Iterator[Event]:
    """Train until the last epoch, a stop, or a failure; yield every event of it.

    The caller's listeners have dealt with an event before training goes on.
    """
    control.begin_training(lambda: training.step)
    try:
        with closing(Saver(training, training.folder)) as saver:
            yield from _train(_Loop(training, saver, control), control)
    finally:
        control.cancel_requests()
        training.batches.close()


def _train(loop: _Loop, control: Control) -> Iterator[Event]:
    training = loop.training
    yield run_started(training)
    yield from loop.saver.save()
    try:
        while training.epoch < training.epochs:
            yield from loop.epoch()
        ended = Ended("completed", _all_trained(training.epochs), ExitCode.DONE)
        loop.check_weights()
    except Ended as reason:
        ended = reason
    control.begin_finishing()
    # last.pt stays what it was before a failure, and before a step of which only half was taken.
    if ended.state != "failed" and not ended.has_torn_weights:
        yield from loop.saver.save()
    yield from loop.saver.finish()
    if loop.saver.problem is not None:
        ended = Ended("failed", _unsaved(loop.saver.problem, training.folder), ExitCode.FAILED)
    loop.note_time()
    yield run_completed(training, ended)


def _unsaved(problem: OSError, folder: RunFolder) -> str:
    what = problem.strerror or str(problem)
    return f"what was trained could not be saved in {folder.path}: {what}"


class _Loop:
    """One call of `train`: the run, and what is known only while it goes on."""

    def __init__(self, training: Training, saver: Saver, control: Control) -> None:
        self.saver = saver
        self.training = training
        self._control = control
        self._begun = self._now() - training.seconds
        self._deadline = self._now() + (training.settings.options.max_time or math.inf)
        self._block = Block()
        self._step = fastest_step(training)
        self._is_sum = reduction_of(training.criterion) == "sum"

    # One epoch

    def epoch(self) -> Iterator[Event]:
        """Take the steps of the epoch that are still to be taken, and measure the model."""
        try:
            yield from self._take_steps()
            yield from self._close_epoch()
        except Ended:
            raise
        except StepInterrupted as error:
            if self._control.is_abandoned:
                raise
            self._control.begin_finishing()
            yield from self._tell_what_is_left()
            raise stopped_inside(self._control.stopped, error) from error
        except Exception as error:
            ended = ended_by(error)
            if ended is None:
                raise
            yield from self._tell_what_is_left()
            raise ended from error

    def _tell_what_is_left(self) -> Iterator[Event]:
        """Tell the losses of the block that an error broke off, if the device still has them."""
        try:
            yield from self._close_block()
        except Ended:
            raise
        except Exception as error:
            if ended_by(error) is None:
                raise

    def _take_steps(self) -> Iterator[Event]:
        training, block, control = self.training, self._block, self._control
        so_far = training.so_far
        training.model.train()
        training.apply_lr()
        watch = self._now()
        batches = training.batches.epoch(training.epoch, so_far.steps)
        for _ in range(so_far.steps, len(training.batches)):
            # Before the batch is drawn: drawing may use random numbers that a stop must not lose.
            if control.attention or training.step in training.lr_changes:
                so_far.seconds += self._now() - watch
                yield from self._obey()
                watch = self._now()
            inputs, targets = next(batches)
            if not training.schedule.is_constant:
                training.apply_lr()
            block.add(self._step(inputs, targets), len(inputs), training.current_lr)
            training.step += 1
            so_far.steps += 1
            if training.pending_warnings:
                yield from self._tell()
            if block.is_due:
                yield from self._close_block()
                so_far.seconds += self._now() - watch
                yield from self._save_when_due()
                watch = self._now()
        yield from self._close_block()
        so_far.seconds += self._now() - watch

    def _tell(self) -> Iterator[Event]:
        """Say what the step has to say of itself."""
        training = self.training
        told, training.pending_warnings = training.pending_warnings, []
        for text in told:
            yield Warned(run=training.run, epoch=training.epoch, step=training.step, text=text)

    def check_weights(self) -> None:
        """Raise Ended when not all weights are finite: the last step may do that with a loss that
        still is.
        """
        training = self.training
        if not is_finite(training.model):
            at = training.step, training.epoch + 1, training.best.best
            reason = weights_diverged_text(training.current_lr, *at)
            raise Ended("failed", reason, ExitCode.FAILED)

    def _close_block(self) -> Iterator[Event]:
        """Tell the losses of the block, and look whether they are still sane."""
        closed = self._block.close()
        if closed is None:
            return
        training, losses = self.training, closed.losses
        first_step = training.step - len(losses) + 1
        if math.isnan(training.first_loss):
            training.first_loss = losses[0]
        for loss, size in zip(losses, closed.sizes, strict=True):
            training.so_far.loss += loss if self._is_sum else loss * size
            training.so_far.samples += size
        sick = first_diverged(losses, training.first_loss)
        if sick is not None:
            losses = losses[: sick + 1]
            training.step = first_step + sick
        yield StepsCompleted(
            run=training.run,
            epoch=training.epoch + 1,
            first_step=first_step,
            lr=closed.lr,
            losses=losses,
        )
        if sick is not None:
            at = training.step, training.epoch + 1, training.best.best
            reason = diagnosis(losses[-1], closed.lr, *at)
            raise Ended("failed", reason, ExitCode.FAILED)

    def _close_epoch(self) -> Iterator[Event]:
        """Measure the model, and begin the next epoch."""
        training, so_far = self.training, self.training.so_far
        epoch = training.epoch + 1
        is_measured = epoch % training.settings.options.eval_every == 0 or epoch == training.epochs
        values = self._measure() if is_measured else {}
        seconds = round(max(0.0, so_far.seconds), 7)  # a suspension may be counted an epoch late
        train_loss = so_far.loss if self._is_sum else so_far.loss / so_far.samples
        training.epoch, training.so_far = epoch, EpochProgress()
        self.note_time()
        yield EpochCompleted(
            run=training.run,
            epoch=epoch,
            step=training.step,
            lr=training.current_lr,
            seconds=seconds,
            samples_per_second=float(f"{so_far.samples / max(seconds, 1e-7):.5g}"),
            values={"train_loss": train_loss, **values},
        )
        if not all(map(math.isfinite, values.values())):
            self.check_weights()
        if is_measured:
            yield from self._rank(values[training.metric])
        yield from self._save_when_due()

    def _measure(self) -> dict[str, float]:
        training, control = self.training, self._control
        try:
            with training.autocast():
                values = evaluate(
                    training.model,
                    training.criterion,
                    training.measured.split,
                    training.spec.task,
                    control.must_stop,
                )
        except EvaluationStopped:
            raise self._stop() from None
        return training.measured.values(values)

    def _rank(self, value: float) -> Iterator[Event]:
        """Keep the model if it is among the best; end the run when none has been for long."""
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
            raise Ended("completed", reason, ExitCode.DONE)

    # Between two steps

    def _obey(self) -> Iterator[Event]:
        """Do what was asked for: save, stop, wait, take a new lr."""
        training, control = self.training, self._control
        yield from self._close_block()
        was_paused = False
        while True:
            if control.pop_save():
                self.saver.want()
            yield from self._save()
            for request in control.pop_requests():
                with undisturbed(training.model):
                    request.run(training)
            if control.stopped:
                raise self._stop()
            # After any save, so that a checkpoint holds the changes of exactly the steps before it.
            yield from self._take_lr()
            if control.may_step(ends_epoch=training.so_far.steps + 1 == len(training.batches)):
                break
            was_paused = True
            yield StateChanged(run=training.run, state="paused", step=training.step)
            control.wait(1.0)
        if was_paused:
            yield StateChanged(run=training.run, state="running", step=training.step)

    def _take_lr(self) -> Iterator[Event]:
        """Use the lr that was asked for, or was before the run was taken up again."""
        training = self.training
        repeated = training.lr_changes.pop(training.step, None)
        lr = self._control.pop_lr() or repeated
        if lr is not None:
            training.lr = lr
            training.apply_lr()
            yield ControlApplied(run=training.run, first_step=training.step + 1, lr=lr)

    def _stop(self) -> Ended:
        stop = self._control.stopped
        assert stop is not None
        return Ended("stopped", stop.reason, stop.exit_code)

    def _save_when_due(self) -> Iterator[Event]:
        self.note_time()
        yield from self._save()
        if self._now() >= self._deadline:
            limit = self.training.settings.options.max_time
            raise Ended("stopped", f"the time limit of {limit:g} s is reached", ExitCode.DONE)

    def _save(self) -> Iterator[Event]:
        if self.saver.is_due:
            self.check_weights()  # so that there always is a checkpoint to go back to
        yield from self.saver.save_when_due()

    def note_time(self) -> None:
        """Count the seconds until now."""
        self.training.seconds = self._now() - self._begun

    def _now(self) -> float:
        """The seconds of a clock that stands still while the program is suspended."""
        return time.perf_counter() - self._control.suspended


def _all_trained(epochs: int) -> str:
    return "the one epoch trained" if epochs == 1 else f"all {epochs} epochs trained"
