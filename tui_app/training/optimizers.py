"""Makes optimizers by their names in the hyperparameters, and moves their state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from models import LectureError
from models.fields import InvalidValue
from models.lecture import Hyperparameters, Lecture, ParameterGroup
from models.user_files.error_location import locate_declaration
from tui_app.training.muon import MuonSGD

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
    lecture: Lecture,
    model: nn.Module,
    hp: Hyperparameters,
    groups: Sequence[ParameterGroup] = (),
) -> torch.optim.Optimizer:
    """The lecture's own optimizer, or the one named in the hyperparameters.

    `groups` are those from `parameter_groups`. Raises InvalidValue for an optimizer that can't have
    any.
    """
    if lecture.optimizer is not None:
        return lecture.optimizer(model, hp)
    if groups and hp.optimizer == "lbfgs":
        raise InvalidValue(
            f"{lecture.name} trains groups of weights with different settings, and lbfgs takes "
            "all weights as one",
            "optimizer",
        )
    if has_muon(groups) and hp.optimizer != "sgd":
        raise InvalidValue(f"{lecture.name}: Muon is a kind of sgd", "optimizer")
    settings = optimizer_settings(lecture, hp)
    weights = list(model.parameters())
    if is_fused(hp.optimizer, weights[0].device.type):
        settings["fused"] = True
    taken = [group_settings(group, settings) for group in groups] or weights
    cls = MuonSGD if has_muon(groups) else OPTIMIZERS[hp.optimizer]
    return cls(taken, **settings)


def has_muon(groups: Sequence[ParameterGroup]) -> bool:
    """Whether some of the weights take Muon's steps."""
    return any(group.muon is not None for group in groups)


def group_settings(group: ParameterGroup, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A group as torch.optim takes it; `settings` are the optimizer's arguments for all weights."""
    own = {"weight_decay": group.weight_decay, "momentum": group.momentum}
    kept = {name: v for name, v in own.items() if v is not None and name in settings}
    if group.muon is not None:
        kept = {"momentum": 0.0, "weight_decay": 0.0, "muon": group.muon}
    if kept.get("momentum") == 0.0 and "nesterov" in settings:
        kept["nesterov"] = False
    return {"params": list(group.weights), "lr": settings["lr"] * group.lr_factor, **kept}


def parameter_groups(
    lecture: Lecture, model: nn.Module, hp: Hyperparameters
) -> tuple[ParameterGroup, ...]:
    """The lecture's groups with these settings; there may be none. Raises LectureError unless each
    weight that requires a gradient is in exactly one.
    """
    groups = tuple(lecture.parameter_groups(model, hp)) if lecture.parameter_groups else ()
    if not groups:
        return ()
    counts = Counter(id(weight) for group in groups for weight in group.weights)
    for name, weight in model.named_parameters():
        count = counts[id(weight)]
        if count > 1 or (weight.requires_grad and not count):
            raise LectureError(
                f"{locate_declaration(lecture.path, 'parameter_groups')}: {name} is in "
                f"{count or 'none'} of the groups; each weight belongs in one"
            )
    return groups


def optimizer_settings(lecture: Lecture, hp: Hyperparameters) -> dict[str, Any]:
    """The arguments of the optimizer besides the weights; a switch that is off is left out."""
    used = lecture.relevant_settings(hp)
    names = ("lr", "momentum", "nesterov", "weight_decay")
    return {name: used[name] for name in names if name in used and used[name] is not False}


def is_fused(name: str, device: str) -> bool:
    """Whether this optimizer can update all weights at once on this type of device."""
    return device in _FUSED.get(name, ())


def set_lrs(optimizer: torch.optim.Optimizer, lrs: Sequence[float] | Sequence[Tensor]) -> None:
    """Use `lrs`, one for each group of weights, from the next step on; tensors are those of a graph
    that is recorded.
    """
    for group, lr in zip(optimizer.param_groups, lrs, strict=True):
        if isinstance(group.get("lr"), Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


# For a CUDA graph: what changes from step to step must be a tensor, since Python's numbers are
# recorded as constants.


def can_be_recorded(optimizer: torch.optim.Optimizer) -> bool:
    """Whether torch lets the optimizer's step be part of a CUDA graph."""
    is_sgd = type(optimizer) in (torch.optim.SGD, MuonSGD)
    return is_sgd or all("capturable" in group for group in optimizer.param_groups)


def make_recordable(optimizer: torch.optim.Optimizer) -> None:
    """Keep the lr and the count of steps on the weights' device."""
    for group in optimizer.param_groups:
        device = group["params"][0].device
        group["lr"] = torch.tensor(float(group["lr"]), dtype=torch.float32, device=device)
        if "capturable" in group:
            group["capturable"] = True
    _move_counts(optimizer, to_weights=True)


def make_plain(optimizer: torch.optim.Optimizer, lrs: Sequence[float]) -> None:
    """Undo `make_recordable`; `lrs` are the groups' lrs in force."""
    for group, lr in zip(optimizer.param_groups, lrs, strict=True):
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


def plain_state(optimizer: torch.optim.Optimizer, lrs: Sequence[float]) -> dict[str, Any]:
    """The optimizer's state_dict in a form for any device; `lrs` are the groups' lrs in force."""
    state = optimizer.state_dict()
    groups = [dict(group) for group in state["param_groups"]]
    for group, lr in zip(groups, lrs, strict=True):
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
