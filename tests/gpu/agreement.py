"""Compares recorded steps with eager ones, and a resumed run with one that wasn't stopped."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from models import find_lecture
from models.fields import fields_of
from models.lecture import Lecture
from models.loading.load import load_lecture
from models.user_files.trust import allow_named_file
from tests.gpu.check import Context, Row, error_row
from tests.gpu.runs import Trained, data_read_once, follow, settings_for, train
from tests.gpu.ways import EAGER, MANY, ONE, steps_in
from tui_app.runs.settings.run_options import RunOptions
from tui_app.training.optimizers import OPTIMIZERS
from tui_app.training.resume import resume_run
from tui_app.training.steering.control import Control

#: The largest differences that count as equal: of losses in fp32 and in lower precisions, and of
#: weights. A recorded step keeps its lr as a float32, and may add in another order; Adam and Rprop
#: take whole steps by the sign of a gradient that is almost zero.
_LOSSES, _LOW_PRECISION, _WEIGHTS = 2e-3, 0.05, 0.05


def optimizers(context: Context) -> Iterator[Row]:
    """Train lecture 9 with every optimizer in every precision, recorded and eager."""
    with data_read_once():
        for optimizer in OPTIMIZERS:
            try:
                yield _optimizer_row(context, optimizer)
            except Exception as error:  # noqa: BLE001 # the other optimizers are compared all the same
                yield error_row(error, optimizer)


def _optimizer_row(context: Context, optimizer: str) -> Row:
    lecture, is_ok, parts = load_lecture(find_lecture("softmax")), True, []
    lr = {} if optimizer == "sgd" else {"lr": 0.001}
    for precision in fields_of(RunOptions)["precision"].choices:
        given = {"optimizer": optimizer, "precision": precision, "epochs": 3, **lr}
        eager = train(settings_for(context, lecture, **given), EAGER)
        for way in (MANY, ONE):
            recorded = train(settings_for(context, lecture, **given), way)
            if recorded.why_not_recorded:
                return Row(optimizer, f"not recorded: {recorded.why_not_recorded}", "n/a")
            losses, weights = difference(recorded, eager)
            allowed = _LOSSES if precision == "fp32" else _LOW_PRECISION
            is_ok &= losses <= allowed and weights <= _WEIGHTS
            parts.append(f"{precision}, {way}: {losses:.1g} and {weights:.1g}")
    result = f"losses and weights differ from eager ones by {'; '.join(parts)}"
    return Row(optimizer, result, context.judged(is_ok))


def difference(one: Trained, other: Trained) -> tuple[float, float]:
    """The largest differences of losses and of weights: relative to the values above 1, absolute
    below.
    """
    ours, theirs = one.weights, other.weights
    weights = max(largest_difference(ours[name], theirs[name]) for name in ours)
    return largest_difference(one.losses, other.losses), weights


def largest_difference(one: Tensor, other: Tensor) -> float:
    """The largest difference of two tensors' elements; infinite if one of them is no number."""
    one, other = one.double().cpu(), other.double().cpu()
    differences = (one - other).abs() / other.abs().clamp(min=1)
    return differences.nan_to_num(nan=math.inf).max().item()


_NET = '''"""A net with dropout."""
from torch import nn
from models.lecture import ImageHyperparameters, Lecture

def net(spec, hp):
    return nn.Sequential(
        nn.Conv2d(spec.input_shape[0], 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(),
        nn.Dropout(0.3), nn.LazyLinear(10))

LECTURE = Lecture(title="Dropout", title_zh="Dropout", datasets=("digits",), model=net,
    criterion=nn.CrossEntropyLoss, hyperparameters=ImageHyperparameters(lr=0.05, momentum=0.5))
'''

#: Epochs of 23 steps, and the step at which the run is stopped, within an epoch.
_EPOCHS, _STOP = 4, 40


def resumed_runs(context: Context) -> Iterator[Row]:
    """Stop a run with dropout and augmentation, resume it, and compare it with a whole one."""
    path = context.scratch / "dropout_net.py"
    path.write_text(_NET, "utf-8")
    allow_named_file(path)
    for given in ({"optimizer": "sgd"}, {"optimizer": "adam", "lr": 0.001}):
        yield _resumed_row(context, load_lecture(path), {"epochs": _EPOCHS, **given})


def _resumed_row(context: Context, lecture: Lecture, given: Mapping[str, Any]) -> Row:
    settings = settings_for(context, lecture, augment="flip and shift", **given)
    whole = train(settings, MANY)
    part = train(settings, MANY, stop_after=_STOP)
    control = Control()
    with steps_in(MANY):
        again = follow(resume_run(part.folder, control, lambda progress: None), control)
    losses = torch.cat([part.losses, again.losses])
    is_whole = len(losses) == len(whole.losses)
    result = [f"stopped at step {part.completed.step}, resumed to step {again.completed.step}"]
    difference_of_losses = largest_difference(losses, whole.losses) if is_whole else math.inf
    names = list(whole.weights)
    weights = max(largest_difference(again.weights[name], whole.weights[name]) for name in names)
    result.append(f"losses differ by {difference_of_losses:.1g}, weights by {weights:.1g}")
    why_not = whole.why_not_recorded
    result += [f"not recorded: {why_not}"] if why_not else []
    is_equal = difference_of_losses <= _LOSSES and weights <= _WEIGHTS
    verdict = context.judged(is_equal) if is_whole and not why_not else "failed"
    return Row(f"{given['optimizer']}, dropout, augmentation", "; ".join(result), verdict)
