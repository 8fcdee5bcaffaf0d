"""The optimizers by their names in the hyperparameters."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from models.lecture import Hyperparameters, Lecture

#: What each name stands for, in torch.optim; lecture 5 compares all eight.
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamax": torch.optim.Adamax,
    "asgd": torch.optim.ASGD,
    "lbfgs": torch.optim.LBFGS,
    "rmsprop": torch.optim.RMSprop,
    "rprop": torch.optim.Rprop,
}

#: Where one kernel can update all weights at once, instead of several for each of them.
_FUSED = {"sgd": ("cpu", "cuda"), "adam": ("cpu", "cuda"), "adagrad": ("cpu",)}


def make_optimizer(
    lecture: Lecture, model: nn.Module, hp: Hyperparameters
) -> torch.optim.Optimizer:
    """The lecture's own optimizer, or the one that the hyperparameters name."""
    if lecture.optimizer is not None:
        return lecture.optimizer(model, hp)
    used = lecture.used(hp)
    settings: dict[str, Any] = {
        name: used[name] for name in ("lr", "momentum", "weight_decay") if name in used
    }
    weights = list(model.parameters())
    if hp.optimizer in _FUSED and weights[0].device.type in _FUSED[hp.optimizer]:
        settings["fused"] = True
    return OPTIMIZERS[hp.optimizer](weights, **settings)


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Use `lr` from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = lr
