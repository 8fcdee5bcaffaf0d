"""Collects the losses and epoch values of a run, from metrics.jsonl or from its events."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from datasets.reading.progress import LoadingStopped
from tui_app.inspection.diagnosis.observations import RunObservations
from tui_app.runs.events import Advised, ControlApplied, EpochCompleted, StepsCompleted
from tui_app.runs.metrics.metrics_codec import Record
from tui_app.runs.metrics.metrics_file import read_records
from tui_app.runs.metrics.packed_epochs import MOST_STEPS, MOST_VALUES, PackedEpochs, numbers
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_record import RunRecord

_OBSERVED = (StepsCompleted, EpochCompleted, PackedEpochs, ControlApplied, Advised)


class RecordedObservations:
    """The losses, epoch values and names of advice that a run has recorded so far.

    `lr` is the one that the user set last, without the schedule's factor.
    """

    def __init__(self) -> None:
        self.lr: float | None = None
        self.losses: array[float] = array("d")
        self.epochs: dict[str, array[float]] = {}
        self.advised: set[str] = set()

    @classmethod
    def read(
        cls,
        folder: RunFolder,
        stopped: Callable[[], bool] = bool,
        on_skipped: Callable[[str], object] = str,
    ) -> RecordedObservations:
        """Read the folder's metrics.jsonl, until it is `stopped`. `on_skipped` receives a sentence
        about lines that are too long.
        """
        recorded = cls()
        with suppress(LoadingStopped):
            records = read_records(
                folder.metrics, *_OBSERVED, stopped=stopped, on_skipped=on_skipped
            )
            for record in records:
                recorded.add(record)
        return recorded

    def add(self, record: Record) -> None:
        """Add a record of metrics.jsonl."""
        match record:
            case StepsCompleted():
                self._add_losses(record.losses)
            case ControlApplied():
                self.lr = record.lr
            case EpochCompleted():
                self.add_epoch(record.values)
            case PackedEpochs():
                self._add_packed(record)
            case Advised() if len(self.advised) < MOST_VALUES:
                self.advised.add(record.name)

    def _add_losses(self, losses: Sequence[float | None]) -> None:
        if len(self.losses) < MOST_STEPS:
            self.losses.extend(numbers(losses))

    def _add_packed(self, epochs: PackedEpochs) -> None:
        self._add_losses(epochs.losses)
        for name, column in epochs.values.items():
            self._add_column(name, column)

    def add_epoch(self, values: Mapping[str, float | None]) -> None:
        """Add the values of one epoch."""
        for name, value in values.items():
            self._add_column(name, [value])

    def _add_column(self, name: str, column: Sequence[float | None]) -> None:
        if name in self.epochs or len(self.epochs) < MOST_VALUES:
            self.epochs.setdefault(name, array("d")).extend(numbers(column))

    def observations(self, record: RunRecord, lr: float, epochs: int) -> RunObservations:
        """These observations, with what run.json records of the run."""
        return RunObservations(
            lr=lr,
            losses=self.losses,
            epochs=self.epochs,
            base_rates=record.base_rates,
            hyperparameters=record.hyperparameters,
            reduction=record.reduction or "mean",
            train_size=record.train_size,
            epochs_planned=epochs,
        )


def observations_of_run(folder: RunFolder) -> RunObservations:
    """The observations that a run folder has recorded so far. Raises DamagedRun."""
    record, recorded = folder.read_record(), RecordedObservations.read(folder)
    lr = record.lr if recorded.lr is None else recorded.lr
    return recorded.observations(record, lr, record.epochs)
