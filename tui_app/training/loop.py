"""The training loop: a generator that trains a run to its end and yields what happens."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from tui_app.training.checkpoint import save_checkpoint
from tui_app.training.control import Control
from tui_app.training.evaluation import EvaluationStopped, evaluate, reduction_of
from tui_app.training.events import (
    BestImproved,
    CheckpointDue,
    CheckpointSaved,
    ControlApplied,
    EpochCompleted,
    Event,
    RunCompleted,
    RunStarted,
    State,
    StateChanged,
    StepsCompleted,
)
from tui_app.training.exit_codes import ExitCode
from tui_app.training.run_folder import RunFolder
from tui_app.training.step import make_step
from tui_app.training.training import EpochSoFar, Training

#: Seconds of steps in a block. Losses stay on the device until the block is over.
_BLOCK_SECONDS = 0.1

#: Seconds between two writes of best.pt while the model gets better with every epoch.
_BEST_SECONDS = 1.0

#: A loss this many times the first one has diverged.
_DIVERGED = 1e6


class Ended(Exception):
    """Training is over: in which state, why, and with which exit code."""

    def __init__(self, state: State, reason: str, exit_code: int) -> None:
        super().__init__(reason)
        self.state: State = state
        self.reason = reason
        self.exit_code = exit_code


def train(training: Training, folder: RunFolder, control: Control) -> Iterator[Event]:
    """Train until the last epoch, a stop, or a failure; yield every event of it.

    The caller's listeners have dealt with an event before training goes on.
    """
    loop = _Loop(training, folder, control)
    yield loop.started()
    yield from loop.save()
    try:
        while training.epoch < training.epochs:
            yield from loop.train_epoch()
            yield from loop.close_epoch()
        ended = Ended("completed", f"all {training.epochs} epochs trained", ExitCode.DONE)
    except Ended as reason:
        ended = reason
    if ended.state != "failed":  # last.pt stays what it was before a failure
        yield from loop.save()
    yield loop.completed(ended)


class _Loop:
    """One call of `train`: the run, and what is known only while it goes on."""

    def __init__(self, training: Training, folder: RunFolder, control: Control) -> None:
        self._training = training
        self._folder = folder
        self._control = control
        self._block: list[tuple[Tensor, int]] = []  # the loss and the samples of each step
        self._block_lr = 0.0
        self._begun = self._block_begun = self._saved = self._best_saved = time.monotonic()
        self._best_unsaved = False
        self._seconds_before = training.seconds
        self._is_sum = reduction_of(training.criterion) == "sum"
        self._step = make_step(training)

    # One epoch

    def train_epoch(self) -> Iterator[Event]:
        """Take the steps of the epoch that are still to be taken."""
        training = self._training
        training.model.train()
        training.apply_lr()
        resumed = time.perf_counter()
        for inputs, targets in training.batches.epoch(training.epoch, training.so_far.steps):
            if self._control.attention:
                training.so_far.seconds += time.perf_counter() - resumed
                yield from self._obey()
                resumed = time.perf_counter()
            if not training.schedule.is_constant:
                training.apply_lr()
            if not self._block:
                self._block_begun, self._block_lr = time.monotonic(), training.current_lr
            self._block.append((self._step(inputs, targets), len(inputs)))
            training.step += 1
            training.so_far.steps += 1
            if time.monotonic() - self._block_begun >= _BLOCK_SECONDS:
                yield from self._close_block()
                training.so_far.seconds += time.perf_counter() - resumed
                yield from self._save_when_due()
                resumed = time.perf_counter()
        yield from self._close_block()
        training.so_far.seconds += time.perf_counter() - resumed

    def _close_block(self) -> Iterator[Event]:
        """Fetch the losses of the block from the device, and look whether they are still sane."""
        if not self._block:
            return
        training = self._training
        losses = torch.stack([loss for loss, _ in self._block]).tolist()
        sizes = [size for _, size in self._block]
        self._block.clear()
        first_step = training.step - len(losses) + 1
        if math.isnan(training.first_loss):
            training.first_loss = losses[0]
        for loss, size in zip(losses, sizes, strict=True):
            training.so_far.loss += loss if self._is_sum else loss * size
            training.so_far.samples += size
        sick = next((i for i, loss in enumerate(losses) if self._has_diverged(loss)), None)
        if sick is not None:
            training.step = first_step + sick
            losses = losses[: sick + 1]
        yield StepsCompleted(
            run=training.run,
            epoch=training.epoch + 1,
            first_step=first_step,
            lr=self._block_lr,
            losses=tuple(losses),
        )
        if sick is not None:
            raise Ended("failed", self._diagnosis(losses[-1]), ExitCode.FAILED)

    def close_epoch(self) -> Iterator[Event]:
        """Measure the model, and begin the next epoch."""
        training = self._training
        epoch = training.epoch + 1
        is_due = epoch % training.settings.options.eval_every == 0 or epoch == training.epochs
        values = self._measure() if is_due else {}
        so_far = training.so_far
        train_loss = so_far.loss if self._is_sum else so_far.loss / so_far.samples
        training.epoch, training.so_far = epoch, EpochSoFar()
        training.seconds = self._seconds_before + time.monotonic() - self._begun
        yield EpochCompleted(
            run=training.run,
            epoch=epoch,
            step=training.step,
            lr=training.current_lr,
            seconds=so_far.seconds,
            samples_per_second=so_far.samples / max(so_far.seconds, 1e-9),
            values={"train_loss": train_loss, **values},
        )
        if is_due:
            yield from self._keep_if_best(values[training.metric])
        yield from self._save_when_due()

    def _measure(self) -> dict[str, float]:
        training = self._training
        try:
            values = evaluate(
                training.model,
                training.criterion,
                training.measured.split,
                training.spec.task,
                lambda: self._control.stopped is not None,
            )
        except EvaluationStopped:
            raise self._stop() from None
        return training.measured.values(values)

    def _keep_if_best(self, value: float) -> Iterator[Event]:
        training = self._training
        place = training.best.offer(value, training.epoch, training.step, training.model)
        self._best_unsaved |= place is not None
        if place == 0:
            training.evaluations_without_best = 0
            yield BestImproved(
                run=training.run,
                epoch=training.epoch,
                step=training.step,
                metric=training.metric,
                value=value,
            )
        else:
            training.evaluations_without_best += 1
        if self._best_unsaved and time.monotonic() - self._best_saved >= _BEST_SECONDS:
            self._save_best()
        patience = training.hyperparameters.early_stopping
        if (
            patience
            and training.evaluations_without_best >= patience
            and training.epoch < training.epochs
        ):
            raise Ended(
                "completed", f"early stopping: no new best in {patience} evaluations", ExitCode.DONE
            )

    # Between two steps

    def _obey(self) -> Iterator[Event]:
        """Do what was asked for: save, stop, wait, take a new lr."""
        training, control = self._training, self._control
        yield from self._close_block()
        if control.take_save():
            yield from self.save()
        was_paused = False
        while True:
            if control.stopped:
                raise self._stop()
            if control.may_step():
                break
            was_paused = True
            yield StateChanged(run=training.run, state="paused", step=training.step)
            control.wait(1.0)
            if control.take_save():
                yield from self.save()
        if was_paused:
            yield StateChanged(run=training.run, state="running", step=training.step)
        lr = control.take_lr()
        if lr is not None:
            # After any save, so that a checkpoint holds the changes of exactly the steps before it.
            training.lr = lr
            training.apply_lr()
            yield ControlApplied(run=training.run, first_step=training.step + 1, lr=lr)

    def _stop(self) -> Ended:
        stop = self._control.stopped
        assert stop is not None
        return Ended("stopped", stop.reason, stop.exit_code)

    def _save_when_due(self) -> Iterator[Event]:
        options, now = self._training.settings.options, time.monotonic()
        if options.max_time and now - self._begun >= options.max_time:
            raise Ended(
                "stopped", f"the time limit of {options.max_time:g} s is reached", ExitCode.DONE
            )
        if now - self._saved >= options.save_every:
            yield from self.save()

    # What is kept

    def save(self) -> Iterator[Event]:
        """Save last.pt, and the best models if that is still to be done."""
        training = self._training
        yield CheckpointDue(run=training.run, step=training.step)
        training.seconds = self._seconds_before + time.monotonic() - self._begun
        self._save_best()
        save_checkpoint(self._folder.last, training.state_dict())
        self._saved = time.monotonic()
        yield CheckpointSaved(run=training.run, epoch=training.epoch, step=training.step)

    def _save_best(self) -> None:
        if self._best_unsaved:
            for place, kept in enumerate(self._training.best.ranking):
                save_checkpoint(self._folder.best(place), dict(kept.weights))
            self._best_unsaved, self._best_saved = False, time.monotonic()

    # Beginning and end

    def started(self) -> RunStarted:
        """The first event."""
        training = self._training
        is_validation = training.measured.name == "validation"
        return RunStarted(
            run=training.run,
            lecture=training.settings.lecture.name,
            dataset=training.settings.dataset,
            device=training.device.name,
            threads=training.threads,
            parameters=training.parameters,
            epoch=training.epoch,
            step=training.step,
            epochs=training.epochs,
            steps_per_epoch=len(training.batches),
            train_size=training.train_size,
            test_size=len(training.test) if training.test else 0,
            validation_size=len(training.measured.split) if is_validation else 0,
            reduction=reduction_of(training.criterion),
            metric=training.metric,
            highest=training.best.highest,
        )

    def completed(self, ended: Ended) -> RunCompleted:
        """The last event; with a validation part, the one look at the test set."""
        training, best = self._training, self._training.best.best
        self._save_best()
        values: dict[str, float] = {}
        if (
            ended.state == "completed"
            and training.measured.name == "validation"
            and training.test
            and best
        ):
            values = self._measure_best_on_test()
        return RunCompleted(
            run=training.run,
            state=ended.state,
            reason=ended.reason,
            exit_code=ended.exit_code,
            epoch=training.epoch,
            step=training.step,
            seconds=self._seconds_before + time.monotonic() - self._begun,
            metric=training.metric,
            best_value=best.value if best else None,
            best_epoch=best.epoch if best else None,
            values=values,
        )

    def _measure_best_on_test(self) -> dict[str, float]:
        training, best = self._training, self._training.best.best
        assert best is not None
        assert training.test is not None
        training.model.load_state_dict(dict(best.weights))
        values = evaluate(training.model, training.criterion, training.test, training.spec.task)
        return {f"test_{name}": value for name, value in values.items()}

    # Divergence

    def _has_diverged(self, loss: float) -> bool:
        first = abs(self._training.first_loss) or 1.0
        return not math.isfinite(loss) or (math.isfinite(first) and abs(loss) > _DIVERGED * first)

    def _diagnosis(self, loss: float) -> str:
        training = self._training
        what = (
            f"the loss is {loss:.3g}"
            if math.isfinite(loss)
            else "the loss is no longer a finite number"
        )
        return (
            f"diverged at step {training.step} (epoch {training.epoch + 1}): {what}. Mostly the "
            f"learning rate is too large for this data: it was {self._block_lr:g}, try "
            f"{self._block_lr / 10:g}. The best model so far is kept"
        )
