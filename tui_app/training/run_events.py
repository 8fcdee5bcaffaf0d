"""Makes the first and the last event of a run."""

from __future__ import annotations

from tui_app.runs.events import RunCompleted, RunStarted
from tui_app.runs.exit_codes import ExitCode
from tui_app.training.evaluation import evaluate, measures_flip, reduction_of
from tui_app.training.outcome import Outcome
from tui_app.training.state import Training


def run_started(training: Training) -> RunStarted:
    """The first event."""
    held_out = training.measured.name == "validation"
    return RunStarted(
        run=training.run,
        lecture=training.settings.lecture.name,
        dataset=training.settings.dataset,
        device=training.device.name,
        device_reason=training.device.reason,
        devices=training.ranks.count,
        threads=training.threads,
        threads_reason=training.threads_reason,
        parameters=training.parameters,
        epoch=training.epoch,
        step=training.step,
        epochs=training.epochs,
        steps_per_epoch=len(training.batches),
        train_size=training.train_size,
        test_size=len(training.test) if training.test else 0,
        validation_size=len(training.measured.split) if held_out else 0,
        reduction=reduction_of(training.criterion),
        metric=training.metric,
        highest=training.best.highest,
    )


def run_completed(training: Training, outcome: Outcome) -> RunCompleted:
    """The last event. A run with a validation set evaluates its best model on the test set here,
    and only here.
    """
    best = training.best.best
    is_tested = outcome.exit_code == ExitCode.DONE and not outcome.was_interrupted
    return RunCompleted(
        run=training.run,
        state=outcome.state,
        reason=outcome.reason,
        exit_code=int(outcome.exit_code),
        epoch=training.epoch,
        step=training.step,
        seconds=training.seconds,
        metric=training.metric,
        best_value=best.value if best else None,
        best_epoch=best.epoch if best else None,
        values=_test_values(training) if is_tested else {},
    )


def _test_values(training: Training) -> dict[str, float]:
    best = training.best.best
    if training.measured.name != "validation" or training.test is None or best is None:
        return {}
    training.model.load_state_dict(dict(best.weights))
    with training.autocast():
        values = evaluate(
            training.model,
            training.criterion,
            training.test,
            training.spec.task,
            flip=measures_flip(training.hyperparameters),
            ranks=training.ranks,
        )
    return {f"test_{name}": value for name, value in values.items()}
