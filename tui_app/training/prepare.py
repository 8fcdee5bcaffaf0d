"""Prepares a Training from settings: data on the device, model, criterion, optimizer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from datasets import Data, DataDamaged, DataUnavailable, Split, get_dataset, read_dataset
from datasets.reading.progress import NO_REPORTS, Progress, ProgressReporter
from datasets.reading.splitting import split_off_validation
from models import LectureError
from models.fields import InvalidValue
from models.lecture import HIGHER_IS_BETTER, Hyperparameters, Lecture
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.best_models import BestModels
from tui_app.training.build_model import (
    build_model,
    prepare_model,
    with_synchronised_norms,
)
from tui_app.training.cpu_trial import step_work, try_model
from tui_app.training.criterion_check import notes_on_shares
from tui_app.training.data.batch_source import Batches
from tui_app.training.data.batches import GatheredBatches, LoaderBatches
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.data.finite_data import refuse_non_finite
from tui_app.training.data.sampler import SeededBatchSampler
from tui_app.training.data.suitable_data import refuse_unsuitable_data
from tui_app.training.devices.device import DeviceInfo, choose_device
from tui_app.training.devices.machine_load import LoadMeter
from tui_app.training.devices.threads import ThreadChoice, threads_to_prepare, use_threads
from tui_app.training.model_check import check_model
from tui_app.training.optimizers import make_optimizer, parameter_groups
from tui_app.training.ranks.ranks import ALONE, Ranks
from tui_app.training.schedule import Schedule
from tui_app.training.state import Measured, Training
from tui_app.training.thread_choice import choose_threads, resumed_choice


def prepare(
    settings: RunSettings,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    stopped: Callable[[], bool] = lambda: False,
    accept: Callable[[Data, str], tuple[Data, str]] = lambda data, fingerprint: (data, ""),
    *,
    is_new: bool = True,
    threads: tuple[int, str] | None = None,
    ranks: Ranks = ALONE,
) -> Training:
    """Read the data and build the model and all that trains it.

    It writes nothing except fetched data to the cache. The model and the order of the samples
    depend only on the seed. `accept` gets the data and their fingerprint, and returns the data to
    train with and a note, which may be empty. A run that isn't new gets its weights from a
    checkpoint, and not from the lecture's `prepare`. `threads` are those that a resumed run began
    with, and why. Each of several `ranks` calls this; all get the model of rank 0. Raises
    DeviceUnavailable, DataUnavailable, DataDamaged, LoadingStopped, InvalidValue, LectureError, and
    what `accept` raises.
    """
    options, load = settings.options, LoadMeter()
    reporter = ProgressReporter(on_progress, stopped)
    # Only `auto` depends on the work of a step, which is known once the data are.
    requested = ranks.device_name(options.device)
    device = choose_device(requested) if requested != "auto" else None
    data = read_data(settings, reporter)
    fingerprint = data.fingerprint(reporter)
    refuse_other_data(fingerprint, ranks)
    data, note = accept(data, fingerprint)
    device = device or choose_device("auto", partial(step_work, settings, data))
    splits = _Splits.of(data, settings, torch.device(device.name), reporter)

    reporter.check()
    use_threads(threads_to_prepare(options, threads))  # first weights may depend on it
    training = _build(settings, data, splits, device, fingerprint, is_new=is_new, ranks=ranks)
    training.notes = tuple(filter(None, (note, *data.notes, *training.notes)))
    reporter.check()
    if threads is None:
        rows = torch.arange(training.batches.batch_size)[ranks.share(training.batches.batch_size)]
        draw = partial(splits.resident.gather, rows)
        training.begin_with(choose_threads(training, draw, load, reporter.check))
    else:
        training.begin_with(resumed_choice(training, *threads))
    training.begin_rank()
    return training


def refuse_other_data(fingerprint: str, ranks: Ranks) -> None:
    """Raise DataDamaged on a rank whose data aren't those of rank 0."""
    if ranks.agree(lambda: fingerprint) != fingerprint:
        raise DataDamaged(f"rank {ranks.rank} has other data than rank 0, under the same name")


def _build(
    settings: RunSettings,
    data: Data,
    splits: _Splits,
    device: DeviceInfo,
    fingerprint: str,
    *,
    is_new: bool,
    ranks: Ranks,
) -> Training:
    """Build the model and all that trains it; the notes are those of the model's check."""
    lecture, hp = settings.lecture, settings.hyperparameters
    batches = make_batches(lecture, hp, splits.train, splits.resident, data, ranks)
    model, criterion = build_model(lecture, data, settings, torch.device(device.name))
    check = check_model(lecture, model, criterion, data.spec, *next(splits.resident.chunks(2)))
    groups = parameter_groups(lecture, model, hp)
    if is_new:
        prepare_model(lecture, model, splits.resident)
    model = with_synchronised_norms(model, splits.resident, settings, batches, ranks)
    return Training(
        settings=settings,
        spec=data.spec,
        device=device,
        thread_choice=ThreadChoice(1, ""),
        fingerprint=fingerprint,
        model=model,
        criterion=criterion,
        optimizer=make_optimizer(lecture, model, hp, groups),
        batches=batches,
        schedule=Schedule(hp, len(batches), ((0, hp.epochs * len(batches)),), groups),
        measured=splits.measured,
        train_size=len(splits.train),
        test=splits.test,
        notes=check.notes + notes_on_shares(criterion, ranks.count),
        best=empty_ranking(lecture, data, settings.options.keep_best),
        multiply_adds=check.multiply_adds,
        lr=hp.lr,
        ranks=ranks,
    )


@dataclass(frozen=True)
class _Splits:
    """The splits of a run: `resident` is `train` on the device, `measured` the one to evaluate."""

    train: Split
    resident: DeviceSplit
    measured: Measured
    test: DeviceSplit | None

    @classmethod
    def of(
        cls, data: Data, settings: RunSettings, device: torch.device, reporter: ProgressReporter
    ) -> _Splits:
        """Hold out the validation set, check the numbers, and move the splits to the device."""
        train, validation = split_train_set(data, settings)
        refuse_non_finite(settings.dataset, {"train": train, "test": data.test}, reporter)
        resident = DeviceSplit.of(train, data, device, reporter)
        test = DeviceSplit.of(data.test, data, device, reporter) if data.test else None
        if validation is not None:
            measured = Measured("validation", DeviceSplit.of(validation, data, device, reporter))
        else:
            measured = Measured("test", test) if test else Measured("train", resident)
        return cls(train, resident, measured, test)


def make_batches(
    lecture: Lecture,
    hp: Hyperparameters,
    train: Split,
    resident: DeviceSplit,
    data: Data,
    ranks: Ranks = ALONE,
) -> Batches:
    """The run's batches, from the resident split or from the lecture's DataLoader."""
    sampler = SeededBatchSampler(
        len(train),
        len(train) if hp.batch_size == "full" else hp.batch_size,
        shuffle=hp.shuffle,
        seed=hp.seed,
        drop_last=getattr(hp, "drop_last", False),
        share=ranks.share if ranks.count > 1 else None,
    )
    augment = getattr(hp, "augment", "none")
    if augment != "none" and len(data.spec.input_shape) != 3:
        raise InvalidValue(
            f"augment: {augment!r} is for images, and these data are none", "augment"
        )
    if lecture.data_loader:
        return LoaderBatches(train, data, sampler, resident.device, getattr(hp, "workers", 0))
    return GatheredBatches(resident, sampler, augment)


def read_data(settings: RunSettings, reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Read the run's data; if they are unavailable, the error names a bundled data set."""
    refuse_unsuitable_data(settings.lecture, settings.dataset)
    data_dir = Path(settings.options.data_dir) if settings.options.data_dir else None
    if data_dir is not None and not data_dir.is_dir():
        raise DataUnavailable(f"--data-dir {data_dir} is not a folder")
    try:
        return read_dataset(
            settings.dataset,
            data_dir,
            reporter,
            target=settings.options.target or None,
            task=settings.lecture.task,
            drop=settings.options.drop,
            columns=settings.options.columns,
        )
    except DataUnavailable as error:
        if ":" in settings.dataset:  # nothing replaces a file of the user's
            raise
        bundled = [name for name in settings.lecture.datasets if not get_dataset(name).files]
        hint = f"\nWithout a download, train on: --dataset {bundled[0]}" if bundled else ""
        raise DataUnavailable(f"{error}{hint}") from error


def split_train_set(data: Data, settings: RunSettings) -> tuple[Split, Split | None]:
    """The rows to train on, and those that `validation` holds out. Raises InvalidValue."""
    try:
        return split_off_validation(
            data, settings.options.validation, settings.hyperparameters.seed
        )
    except ValueError as error:
        raise InvalidValue(f"validation: {error}", "validation") from error


def check_models(
    runs: Sequence[RunSettings],
    on_progress: Callable[[Progress], None] = lambda progress: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Build and try the model and the optimizer of every run, before the first one trains. Raises
    what `prepare` does.
    """
    reporter = ProgressReporter(on_progress, stopped)
    data_by_source: dict[tuple[str, ...], Data] = {}
    for settings in runs:
        options = settings.options
        source = (settings.dataset, options.target, options.drop, options.columns)
        if source not in data_by_source:
            data_by_source[source] = read_data(settings, reporter)
        try_model(settings, data_by_source[source])


def empty_ranking(lecture: Lecture, data: Data, keep: int) -> BestModels:
    """An empty ranking by the lecture's metric: accuracy if there are classes, else the loss."""
    metric = lecture.metric or ("loss" if data.spec.task == "regression" else "accuracy")
    if metric not in HIGHER_IS_BETTER:
        names = " or ".join(map(repr, HIGHER_IS_BETTER))
        raise LectureError(f"{lecture.path}: metric= is {names}, not {metric!r}")
    if metric == "accuracy" and data.spec.task == "regression":
        raise LectureError(
            f"{lecture.path}: a regression has no accuracy to choose the best model by"
        )
    return BestModels(metric, highest=HIGHER_IS_BETTER[metric], keep=keep)
