"""Gathers what a probe reads, from a run in training, a run folder, or an untrained model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from datasets import Data, DataUnavailable, Split, get_dataset
from datasets.fetching.fetch import find
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from models.lecture import PREPARED
from tui_app.inspection.saved_model import SavedModel
from tui_app.runs.checkpoints.checkpoint import load_checkpoint
from tui_app.runs.errors import DamagedRun
from tui_app.runs.events import BestImproved, ControlApplied, EpochCompleted, ThreadsChanged
from tui_app.runs.files.run_files import is_there
from tui_app.runs.metrics.metrics_file import last_event, read_records
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_options import MOST_THREADS
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.build_model import build_model, prepare_model
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.devices.device import recorded_or_auto
from tui_app.training.devices.threads import threads_kept, threads_to_prepare, use_threads
from tui_app.training.prepare import read_data, split_train_set
from tui_app.training.schedule import Span, spans_of
from tui_app.training.state import Training

#: At most this many samples are probed while training waits.
_LIVE_ROWS = 1000

#: Called with the steps that a probe has replayed and their total. May raise, to end the probe.
Report = Callable[[int, int], None]


def _report_nothing(steps: int, of: int) -> None:
    pass


@dataclass(frozen=True)
class ProbeContext:
    """A model, the data it is trained and evaluated on, and how far its training has come.

    `split` is the one named by `measured`: test, validation, or train where there is no other.
    While the run trains (`is_live`) a probe should be quick, since training waits for it.
    """

    settings: RunSettings
    data: Data
    model: nn.Module
    criterion: nn.Module
    device: torch.device
    measured: str
    split: Split
    train: Split
    epoch: int
    step: int
    lr: float
    folder: RunFolder
    is_live: bool
    spans: tuple[Span, ...] = ()
    """The spans of the lr schedule; empty if unknown, which means one span over the whole run."""
    report: Report = _report_nothing
    data_note: str = ""
    """What the user should know about the data as they are now; or nothing."""

    @property
    def is_sequence(self) -> bool:
        """Whether the targets give each symbol of a sample a class, not the sample as a whole."""
        return self.data.spec.task == "multiclass" and self.split.targets.ndim > 1

    @property
    def batch_size(self) -> int:
        """The number of samples in a batch, at most the size of the train set."""
        size, samples = self.settings.hyperparameters.batch_size, len(self.train)
        return samples if size == "full" else min(size, samples)

    def rows(self) -> np.ndarray:
        """The rows of `split` to evaluate: all, or evenly spaced ones while the run trains."""
        return evenly_spaced_rows(self.split, _LIVE_ROWS if self.is_live else len(self.split))

    def batch(self, split: Split, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """The samples `rows` of `split` as the model expects them: inputs, targets."""
        chosen = DeviceSplit.of(split.subset(rows), self.data, self.device)
        return next(chosen.chunks(max(1, len(chosen))))

    def lr_changes(self) -> list[tuple[int, float]]:
        """The learning rates that the user set during the run: (first step, lr)."""
        changes = read_records(self.folder.metrics, ControlApplied)
        return [(change.first_step, change.lr) for change in changes]

    def threads(self) -> dict[int, int]:
        """The run's numbers of threads, by the first step with each: one from step 1 on if it is
        unknown, as before training.
        """
        changes = read_records(self.folder.metrics, ThreadsChanged)
        first = self.folder.read_record().threads if is_there(self.folder.run_json) else 1
        counts = {1: first} | {change.first_step: change.threads for change in changes}
        return {step: min(max(1, count), MOST_THREADS) for step, count in counts.items()}

    def threads_to_prepare(self) -> int:
        """The number of threads that computed the run's first weights."""
        record = self.folder.read_record() if is_there(self.folder.run_json) else None
        first = (record.threads, record.threads_reason) if record is not None else None
        return min(max(1, threads_to_prepare(self.settings.options, first)), MOST_THREADS)


#: Returns what it finds in a context; the text is the user's query, or empty.
Probe = Callable[[ProbeContext, str], Any]


def evenly_spaced_rows(split: Split, limit: int) -> np.ndarray:
    """At most `limit` rows spread evenly over the split, since files are often sorted by class."""
    count = min(limit, len(split))
    return np.linspace(0, len(split) - 1, count).round().astype(np.int64)


def context_of_training(training: Training) -> ProbeContext:
    """The model as it trains."""
    data = training.measured.split.data
    _, split, train = _splits(data, training.settings)
    return ProbeContext(
        settings=training.settings,
        data=data,
        model=training.model,
        criterion=training.criterion,
        device=torch.device(training.device.name),
        measured=training.measured.name,
        split=split,
        train=train,
        epoch=training.epoch,
        step=training.step,
        lr=training.current_lr,
        folder=training.folder,
        is_live=True,
        spans=training.schedule.spans,
    )


def context_of_run(
    folder: RunFolder,
    device: str | None = None,
    data_dir: str | None = None,
    *,
    is_best: bool = True,
    reporter: ProgressReporter = NO_REPORTS,
) -> ProbeContext:
    """The best model of a run so far, or the last one saved, on the run's device if it is there.
    Raises what SavedModel.load does.
    """
    # A replay on another device would be another run.
    device = device or recorded_or_auto(folder.read_record().device)
    best = SavedModel.load(folder, device, data_dir, reporter=reporter)
    measured, split, train = _splits(best.data, best.settings)
    last = last_event(folder.metrics, EpochCompleted)
    chosen = last_event(folder.metrics, BestImproved)
    recorded = folder.read_record().values.get("schedule")
    try:
        spans = spans_of(recorded) if recorded is not None else ()
    except (TypeError, ValueError, KeyError) as error:
        raise DamagedRun(f"{folder.run_json} can't be used: {error}") from error
    epoch = chosen.epoch if chosen else 0
    step, lr = (last.step, last.lr) if last else (0, math.nan)
    if not is_best:
        epoch, step, lr = _load_newest(best.model, folder)
    return ProbeContext(
        settings=best.settings,
        data=best.data,
        model=best.model,
        criterion=best.criterion,
        device=best.device,
        measured=measured,
        split=split,
        train=train,
        epoch=epoch,
        step=step,
        lr=best.settings.hyperparameters.lr if math.isnan(lr) else lr,
        folder=folder,
        is_live=False,
        spans=spans,
        data_note=best.data_note,
    )


def _load_newest(model: nn.Module, folder: RunFolder) -> tuple[int, int, float]:
    """Load the weights of last.pt into the model. Returns their epoch, step and lr."""
    state = load_checkpoint(folder.last)
    try:
        model.load_state_dict(state["model"])
        return int(state["epoch"]), int(state["step"]), float(state["lr"])
    except (RuntimeError, AttributeError, TypeError, ValueError, KeyError) as error:
        raise DamagedRun(f"{folder.last} doesn't fit the run's model: {error}") from error


def context_of_settings(settings: RunSettings) -> ProbeContext:
    """The model before its first step, on the CPU.

    Raises what `prepare` does, and DataUnavailable for data that aren't on this disk: it doesn't
    fetch any.
    """
    _refuse_to_fetch(settings)
    data, device = read_data(settings), torch.device("cpu")
    measured, split, train = _splits(data, settings)
    with threads_kept():
        use_threads(threads_to_prepare(settings.options))
        model, criterion = build_model(settings.lecture, data, settings, device)
        if settings.lecture.prepare is not None:
            first = train.subset(np.arange(min(PREPARED, len(train))))
            prepare_model(settings.lecture, model, DeviceSplit.of(first, data, device))
    return ProbeContext(
        settings=settings,
        data=data,
        model=model,
        criterion=criterion,
        device=device,
        measured=measured,
        split=split,
        train=train,
        epoch=0,
        step=0,
        lr=settings.hyperparameters.lr,
        folder=RunFolder(Path(settings.options.runs_dir) / settings.lecture.name / "untrained"),
        is_live=False,
    )


def _refuse_to_fetch(settings: RunSettings) -> None:
    options = settings.options
    dataset = get_dataset(
        settings.dataset,
        options.target or None,
        settings.lecture.task,
        options.drop,
        options.columns,
    )
    if (
        dataset.files
        and find(dataset, Path(options.data_dir) if options.data_dir else None) is None
    ):
        raise DataUnavailable(
            f"{dataset.name} is not on this disk, and a view doesn't fetch data: start training, "
            f"or run `tutorch data fetch {dataset.name}`."
        )


def _splits(data: Data, settings: RunSettings) -> tuple[str, Split, Split]:
    """The name of the split that the run is evaluated on, this split, and the train set."""
    train, validation = split_train_set(data, settings)
    if validation:
        return "validation", validation, train
    return ("test", data.test, train) if data.test else ("train", train, train)
