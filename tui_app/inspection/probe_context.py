"""What a look is taken at: a run that trains, one in its folder, or what settings would train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from datasets import Data, DataUnavailable, Split, get_dataset
from datasets.fetching.fetch import find
from datasets.reading.progress import NO_REPORTS, Reading
from tui_app.inspection.probe_runner import ProbeContext
from tui_app.runs.checkpoint import load_checkpoint
from tui_app.runs.errors import DamagedRun
from tui_app.runs.metrics_file import last_line
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings import RunSettings
from tui_app.training.prepare import build_model, hold_out, read
from tui_app.training.schedule import spans_of
from tui_app.training.state import Training


def context_of_training(training: Training, folder: RunFolder) -> ProbeContext:
    """The model as it trains."""
    data = training.measured.split.data
    train, split = _splits(data, training.settings)
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
        folder=folder,
        is_live=True,
        spans=training.schedule.spans,
    )


def context_of_run(
    folder: RunFolder,
    device: str | None = None,
    data_dir: str | None = None,
    *,
    is_best: bool = True,
    reading: Reading = NO_REPORTS,
) -> ProbeContext:
    """The best model of a run, as far as it has come, or the one that was saved last. Raises what
    SavedModel.of does.
    """
    from tui_app.inspection.saved_model import SavedModel

    best = SavedModel.of(folder, device, data_dir, reading=reading)
    train, split = _splits(best.data, best.settings)
    last, chosen = last_line(folder.metrics, "epoch"), last_line(folder.metrics, "best")
    recorded = folder.read_record().get("schedule")
    try:
        spans = spans_of(recorded) if recorded is not None else ()
    except (TypeError, ValueError, KeyError) as error:
        raise DamagedRun(f"{folder.run_json} can't be used: {error}") from error
    if not is_best:
        last = chosen = _load_newest(best.model, folder)
    return ProbeContext(
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
        data_note=best.data_note,
    )


def _load_newest(model: nn.Module, folder: RunFolder) -> dict[str, Any]:
    """Put the weights of last.pt into the model: of which epoch and step they are, and their lr."""
    state = load_checkpoint(folder.last)
    try:
        model.load_state_dict(state["model"])
        return {name: state[name] for name in ("epoch", "step", "lr")}
    except (RuntimeError, AttributeError, TypeError, KeyError) as error:
        raise DamagedRun(f"{folder.last} doesn't fit the run's model: {error}") from error


def context_of_settings(settings: RunSettings) -> ProbeContext:
    """The model before its first step, on the CPU. Raises what `prepare` does; nothing is fetched:
    data that are not on this disk are DataUnavailable.
    """
    _refuse_to_fetch(settings)
    data, device = read(settings), torch.device("cpu")
    model, criterion = build_model(settings.lecture, data, settings, device)
    train, split = _splits(data, settings)
    return ProbeContext(
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
