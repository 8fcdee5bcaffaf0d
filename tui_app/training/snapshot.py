"""What a view shows of a model: plain numbers, taken by the loop between two steps when asked for.

A probe looks at a `Subject` and gives a frozen dataclass of numpy arrays and plain numbers. The
same probe serves a run that trains (`Control.request_snapshot`) and one that is over
(`subject_of_folder`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from datasets import Data, DataUnavailable, Split, get_dataset
from datasets.fetch import find
from tui_app.training.batches import DeviceSplit
from tui_app.training.checkpoint import load_checkpoint
from tui_app.training.errors import DamagedRun
from tui_app.training.metrics_file import last_line, read_lines
from tui_app.training.prepare import build_model, hold_out, read
from tui_app.training.run_folder import RunFolder
from tui_app.training.schedule import Span, spans_of
from tui_app.training.seeding import restore_rng_state, rng_state
from tui_app.training.settings import RunSettings
from tui_app.training.training import Training

#: Samples that are looked at while training waits.
_LIVE_ROWS = 1000


@dataclass(frozen=True)
class Subject:
    """A model to be looked at, with what it learns from and is measured on.

    `split` is the one named by `measured`: test, validation, or train where there is no other.
    While the run trains (`is_live`) a probe should be quick: training waits for it.
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
    """Those of the lr's schedule; none where they are not known: one from end to end."""

    def rows(self) -> np.ndarray:
        """The rows of `split` to look at: all, or enough for a picture while the run trains."""
        return rows_of(self.split, _LIVE_ROWS if self.is_live else len(self.split))

    def batch(self, split: Split, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """The samples `rows` of `split` as the model takes them: inputs, targets."""
        chosen = DeviceSplit.of(split.subset(rows), self.data, self.device)
        return next(chosen.chunks(max(1, len(chosen))))

    def lr_changes(self) -> list[tuple[int, float]]:
        """The learning rates that a person set during the run: (first step, lr)."""
        lines = (line for line in read_lines(self.folder.metrics) if line["kind"] == "control")
        return [(int(line["first_step"]), float(line["lr"])) for line in lines]


#: Looks at a subject; the text is what a person asked, empty when nothing was.
Probe = Callable[[Subject, str], Any]


@dataclass(frozen=True)
class Snapshot:
    """What a probe found in the run `run` after `step` steps, and how long that took."""

    found: Any
    run: str
    epoch: int
    step: int
    seconds: float


@dataclass(frozen=True)
class Request:
    """A snapshot that is wanted; the future is where it is laid down, from any thread."""

    probe: Probe
    ask: str
    answer: Future[Snapshot]


def rows_of(split: Split, limit: int) -> np.ndarray:
    """At most `limit` rows spread evenly over the split, since files are often sorted by class."""
    count = min(limit, len(split))
    return np.linspace(0, len(split) - 1, count).round().astype(np.int64)


def take(subject: Subject, probe: Probe, ask: str = "") -> Snapshot:
    """Let the probe look, and leave model and random numbers as they were."""
    begun = time.perf_counter()
    with _undisturbed(subject.model):
        found = probe(subject, ask)
    seconds = time.perf_counter() - begun
    return Snapshot(found, subject.folder.name, subject.epoch, subject.step, seconds)


def answer(request: Request, subject: Subject) -> None:
    """Lay down what is asked for. Whatever goes wrong is the asker's to hear: training goes on."""
    if not request.answer.set_running_or_notify_cancel():
        return
    try:
        request.answer.set_result(take(subject, request.probe, request.ask))
    except Exception as error:  # noqa: BLE001
        request.answer.set_exception(error)


@contextmanager
def _undisturbed(model: nn.Module) -> Iterator[None]:
    training = [module for module in model.modules() if module.training]
    state = rng_state()
    model.eval()
    try:
        yield
    finally:
        restore_rng_state(state)
        for module in training:
            module.training = True


def subject_of_training(training: Training, folder: RunFolder) -> Subject:
    """The model as it trains."""
    data = training.measured.split.data
    train, split = _splits(data, training.settings)
    return Subject(
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
        folder=folder,
        is_live=True,
        spans=training.schedule.spans,
    )


def subject_of_folder(
    folder: RunFolder,
    device: str | None = None,
    data_dir: str | None = None,
    *,
    is_best: bool = True,
) -> Subject:
    """The best model of a run, as far as it has come, or the one that was saved last. Raises what
    BestModel.of does.
    """
    from tui_app.training.best_model import BestModel

    best = BestModel.of(folder, device, data_dir)
    train, split = _splits(best.data, best.settings)
    last, chosen = last_line(folder.metrics, "epoch"), last_line(folder.metrics, "best")
    recorded = folder.read_record().get("schedule")
    try:
        spans = spans_of(recorded) if recorded is not None else ()
    except (TypeError, ValueError, KeyError) as error:
        raise DamagedRun(f"{folder.run_json} can't be used: {error}") from error
    if not is_best:
        last = chosen = _load_newest(best.model, folder)
    return Subject(
        settings=best.settings,
        data=best.data,
        model=best.model,
        criterion=best.criterion,
        device=best.device,
        measured=_measured(best.data, best.settings),
        split=split,
        train=train,
        epoch=int(chosen.get("epoch") or 0),
        step=int(last.get("step") or 0),
        lr=float(last.get("lr") or best.settings.hyperparameters.lr),
        folder=folder,
        is_live=False,
        spans=spans,
    )


def _load_newest(model: nn.Module, folder: RunFolder) -> dict[str, Any]:
    """Put the weights of last.pt into the model: of which epoch and step they are, and their lr."""
    state = load_checkpoint(folder.last)
    try:
        model.load_state_dict(state["model"])
        return {name: state[name] for name in ("epoch", "step", "lr")}
    except (RuntimeError, AttributeError, TypeError, KeyError) as error:
        raise DamagedRun(f"{folder.last} doesn't fit the run's model: {error}") from error


def subject_of_settings(settings: RunSettings) -> Subject:
    """The model before its first step, on the CPU. Raises what `prepare` does; nothing is fetched:
    data that are not on this disk are DataUnavailable.
    """
    _refuse_to_fetch(settings)
    data, device = read(settings), torch.device("cpu")
    model, criterion = build_model(settings.lecture, data, settings, device)
    train, split = _splits(data, settings)
    return Subject(
        settings=settings,
        data=data,
        model=model,
        criterion=criterion,
        device=device,
        measured=_measured(data, settings),
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
    dataset = get_dataset(settings.dataset, options.target or None, settings.lecture.task)
    if (
        dataset.files
        and find(dataset, Path(options.data_dir) if options.data_dir else None) is None
    ):
        raise DataUnavailable(
            f"{dataset.name} is not on this disk, and nothing is fetched only to be looked at: "
            f"start training, or run `tutorch data fetch {dataset.name}`."
        )


def _measured(data: Data, settings: RunSettings) -> str:
    if settings.options.validation:
        return "validation"
    return "test" if data.test else "train"


def _splits(data: Data, settings: RunSettings) -> tuple[Split, Split]:
    train, validation = hold_out(data, settings.options.validation, settings.hyperparameters.seed)
    return train, validation or data.test or train
