"""Makes optimizers by their names in the hyperparameters, and moves their state."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from models.lecture import Hyperparameters, Lecture

#: The classes of torch.optim by name; lecture 5 compares all eight.
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

#: Devices on which one kernel can update all weights at once, instead of several for each weight.
_FUSED = {"sgd": ("cpu", "cuda"), "adam": ("cpu", "cuda"), "adagrad": ("cpu",)}


def make_optimizer(
    lecture: Lecture, model: nn.Module, hp: Hyperparameters
) -> torch.optim.Optimizer:
    """The lecture's own optimizer, or the one named in the hyperparameters."""
    if lecture.optimizer is not None:
        return lecture.optimizer(model, hp)
    settings = optimizer_settings(lecture, hp)
    weights = list(model.parameters())
    if is_fused(hp.optimizer, weights[0].device.type):
        settings["fused"] = True
    return OPTIMIZERS[hp.optimizer](weights, **settings)


def optimizer_settings(lecture: Lecture, hp: Hyperparameters) -> dict[str, Any]:
    """The arguments of the optimizer besides the weights; a switch that is off is left out."""
    used = lecture.relevant_settings(hp)
    names = ("lr", "momentum", "nesterov", "weight_decay")
    return {name: used[name] for name in names if name in used and used[name] is not False}


def is_fused(name: str, device: str) -> bool:
    """Whether this optimizer can update all weights at once on this type of device."""
    return device in _FUSED.get(name, ())


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Use `lr` from the next step on."""
    for group in optimizer.param_groups:
        if isinstance(group.get("lr"), Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


# For a CUDA graph: what changes from step to step must be a tensor, since Python's numbers are
# recorded as constants.


def can_be_recorded(optimizer: torch.optim.Optimizer) -> bool:
    """Whether torch lets the optimizer's step be part of a CUDA graph."""
    is_sgd = type(optimizer) is torch.optim.SGD
    return is_sgd or all("capturable" in group for group in optimizer.param_groups)


def make_recordable(optimizer: torch.optim.Optimizer) -> None:
    """Keep the lr and the count of steps on the weights' device."""
    for group in optimizer.param_groups:
        device = group["params"][0].device
        group["lr"] = torch.tensor(float(group["lr"]), dtype=torch.float32, device=device)
        if "capturable" in group:
            group["capturable"] = True
    _move_counts(optimizer, to_weights=True)


def make_plain(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Undo `make_recordable`; `lr` is the one in force."""
    for group in optimizer.param_groups:
        group["lr"] = lr
        if "capturable" in group:
            group["capturable"] = False
    _move_counts(optimizer, to_weights=False)


def _move_counts(optimizer: torch.optim.Optimizer, *, to_weights: bool) -> None:
    """Move the step counts, the only state that torch keeps on the host (except ASGD's)."""
    for group in optimizer.param_groups:
        on_weights = to_weights or group.get("fused") or isinstance(optimizer, torch.optim.ASGD)
        for weight in group["params"]:
            state = optimizer.state.get(weight, {})
            if "step" in state:
                place = weight.device if on_weights else "cpu"
                state["step"] = torch.as_tensor(state["step"], device=place)


def plain_state(optimizer: torch.optim.Optimizer, lr: float) -> dict[str, Any]:
    """The optimizer's state_dict in a form for any device; `lr` is the one in force."""
    state = optimizer.state_dict()
    groups = [dict(group) for group in state["param_groups"]]
    for group in groups:
        if isinstance(group.get("lr"), Tensor):
            group["lr"] = lr
        if "capturable" in group:
            group["capturable"] = False
    return {**state, "param_groups": groups}


def load_plain_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load a state from `plain_state`, possibly of another device; whether the optimizer is fused
    doesn't change. Raises any error of torch's if the state is of another optimizer.
    """
    groups = [dict(group) for group in state["param_groups"]]
    for group, own in zip(groups, optimizer.param_groups, strict=False):  # torch compares them
        if "fused" in own:
            group["fused"] = own["fused"]
    optimizer.load_state_dict({**state, "param_groups": groups})
