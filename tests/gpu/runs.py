"""Trains runs on the GPU inside a check."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from datasets import Data, read_dataset
from models import find_lecture
from models.lecture import Lecture
from models.loading.load import load_lecture
from tests.gpu.check import Context
from tests.gpu.ways import steps_in
from tui_app.runs.events import EpochCompleted, Event, RunCompleted, Warned
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.settings.run_settings import RunSettings, resolve_settings
from tui_app.training import prepare
from tui_app.training.session import Session
from tui_app.training.start import start_run
from tui_app.training.steering.control import Control


@dataclass(frozen=True)
class Trained:
    """A run that has ended, or was stopped. It holds no memory on the GPU: `weights` are copies.

    `parts` is the number of parts that each batch was split into at the end.
    """

    folder: RunFolder
    events: list[Event]
    completed: RunCompleted
    weights: Mapping[str, Tensor]
    parts: int

    @property
    def losses(self) -> Tensor:
        """The loss of every step."""
        return torch.tensor([loss for each in self.events for loss in getattr(each, "losses", ())])

    @property
    def warnings(self) -> list[str]:
        """The texts of all warnings."""
        return [event.text for event in self.events if isinstance(event, Warned)]

    @property
    def why_not_recorded(self) -> str:
        """Why the steps were not recorded, as a warning says; empty if they were."""
        return next(filter(None, map(why_not_recorded, self.warnings)), "")

    @property
    def epoch_seconds(self) -> list[float]:
        """The seconds of training of each epoch, without its evaluation."""
        return [event.seconds for event in self.events if isinstance(event, EpochCompleted)]


def why_not_recorded(warning: str) -> str:
    """The reason in the warning of a run that isn't recorded; empty in any other warning."""
    if "not recorded as a CUDA graph" not in warning:
        return ""
    return warning.partition(", since ")[2].partition(". It trains")[0]


def settings_for(context: Context, lecture: str | Lecture, **given: Any) -> RunSettings:
    """The settings of a run on the GPU, in the check's scratch folder."""
    if isinstance(lecture, str):
        lecture = load_lecture(find_lecture(lecture))
    runs_dir = str(context.scratch / "runs")
    return resolve_settings(lecture, {"device": "cuda:0", "runs_dir": runs_dir, **given})


def train(settings: RunSettings, way: str = "", stop_after: int = 0) -> Trained:
    """Train a run, its steps run in this way or as tutorch chooses; stopped after so many."""
    control = Control()
    if stop_after:
        control.run_steps(stop_after)
    with steps_in(way):
        return follow(start_run(settings, control, lambda progress: None), control)


def follow(session: Session, control: Control) -> Trained:
    """Train a session until it ends or pauses."""
    events: list[Event] = []

    def listener(event: Event) -> None:
        events.append(event)
        if event.kind == "state":
            control.stop()

    completed, training = session.train(control, [listener]), session.training
    weights = {name: value.cpu() for name, value in training.model.state_dict().items()}
    return Trained(session.folder, events, completed, weights, training.parts)


@functools.cache
def _read(dataset: str, data_dir: Path | None) -> Data:
    return read_dataset(dataset, data_dir)


@contextmanager
def data_read_once(few: int = 0) -> Iterator[None]:
    """Let runs on the same data read them once, and use at most the first `few` samples."""

    def read(settings: RunSettings, *_: object) -> Data:
        data_dir = settings.options.data_dir
        data = _read(settings.dataset, Path(data_dir) if data_dir else None)
        return replace(data, train=data.train.subset(np.arange(few))) if few else data

    with mock.patch.object(prepare, "read_data", read):
        yield
