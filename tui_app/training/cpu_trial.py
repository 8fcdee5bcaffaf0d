"""Tries a run's model on the CPU before anything is on a device: whether it works, and its work."""

from __future__ import annotations

import math

import numpy as np
import torch

from datasets import Data
from models import LectureError
from tui_app.runs.settings.run_settings import RunSettings
from tui_app.training.build_model import build_model
from tui_app.training.data.device_split import DeviceSplit
from tui_app.training.model_check import check_model
from tui_app.training.optimizers import make_optimizer, parameter_groups


def try_model(settings: RunSettings, data: Data) -> tuple[int, int]:
    """Build the run's model and its optimizer, and run it on two samples: its multiply-adds for a
    sample, and its weights that train. Raises InvalidValue, LectureError.
    """
    lecture, hp, cpu = settings.lecture, settings.hyperparameters, torch.device("cpu")
    model, criterion = build_model(lecture, data, settings, cpu)
    two = DeviceSplit.of(data.train.subset(np.arange(min(2, len(data.train)))), data, cpu)
    check = check_model(lecture, model, criterion, data.spec, *next(two.chunks(2)))
    make_optimizer(lecture, model, hp, parameter_groups(lecture, model, hp))
    return check.multiply_adds, sum(w.numel() for w in model.parameters() if w.requires_grad)


def step_work(settings: RunSettings, data: Data) -> float:
    """The work of a step: the multiply-adds of a batch's forward pass, the numbers in the batch,
    and the weights that the optimizer updates.

    Infinite for a model that fails on the CPU, such as one that moves its inputs to a GPU. Raises
    InvalidValue.
    """
    try:
        multiply_adds, weights = try_model(settings, data)
    except LectureError:
        return math.inf
    size, samples = settings.hyperparameters.batch_size, len(data.train)
    batch = samples if size == "full" else min(size, samples)
    return batch * (multiply_adds + data.train.inputs[0].size) + weights
