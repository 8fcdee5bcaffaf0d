"""Ends an epoch: evaluates the model, ranks it among the best, and stops early."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tui_app.runs.events import BestImproved, EpochCompleted, Event
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.divergence import check_weights
from tui_app.training.epoch_progress import EpochProgress
from tui_app.training.evaluation import EvaluationStopped, evaluate, measures_flip, reduction_of
from tui_app.training.outcome import EndTraining, Outcome, outcome_of_stop
from tui_app.training.run_clock import RunClock
from tui_app.training.saver import Saver
from tui_app.training.state import Training
from tui_app.training.steering.control import Control


class EpochEnd:
    """Ends the epochs of a run. `values` are those of the last evaluation, none if the last epoch
    had none.
    """

    def __init__(self, training: Training, saver: Saver, control: Control, clock: RunClock) -> None:
        self.values: dict[str, float] = {}
        self._training = training
        self._saver = saver
        self._control = control
        self._clock = clock
        self._is_sum = reduction_of(training.criterion) == "sum"

    def finish(self) -> Iterator[Event]:
        """Evaluate the model, and go on to the next epoch."""
        training, progress = self._training, self._training.epoch_progress
        epoch = training.epoch + 1
        is_measured = epoch % training.settings.options.eval_every == 0 or epoch == training.epochs
        values = self.values = self._evaluate() if is_measured else {}
        train_loss = progress.loss if self._is_sum else progress.loss / progress.samples
        training.epoch, training.epoch_progress = epoch, EpochProgress()
        self._clock.update_seconds()
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
            check_weights(training)
        if is_measured:
            yield from self._rank(values[training.metric])

    def _evaluate(self) -> dict[str, float]:
        training, control = self._training, self._control
        training.ranks.broadcast(training.model.buffers())  # such as BatchNorm's
        try:
            with training.autocast():
                values = evaluate(
                    training.model,
                    training.criterion,
                    training.measured.split,
                    training.spec.task,
                    control.must_stop,
                    flip=measures_flip(training.hyperparameters),
                    ranks=training.ranks,
                )
        except EvaluationStopped:
            stop = training.ranks.agree(lambda: control.stop_request)
            raise EndTraining(outcome_of_stop(stop)) from None
        return training.measured.values(values)

    def _rank(self, value: float) -> Iterator[Event]:
        """Keep the model if it is among the best; end training if none has been for long."""
        training = self._training
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
            self._saver.best_changed()
        patience = training.hyperparameters.early_stopping
        if patience and training.evaluations_without_best >= patience:
            reason = f"early stopping: no new best in {patience} evaluations"
            raise EndTraining(Outcome("completed", reason, ExitCode.DONE))
