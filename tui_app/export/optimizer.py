"""Writes the code of a script's optimizer, with tutorch's own functions that it calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

from models.lecture import ParameterGroup
from tui_app.export.lecture_source import LectureSource
from tui_app.export.literals import literal
from tui_app.inspection.probe_context import ProbeContext
from tui_app.training.muon import MuonSGD, orthogonalised
from tui_app.training.optimizers import (
    OPTIMIZERS,
    group_settings,
    has_muon,
    is_fused,
    optimizer_settings,
    parameter_groups,
)


def optimizer_functions(context: ProbeContext) -> str:
    """The functions and classes that the expression uses, besides torch's and the lecture's."""
    used: list[Callable[..., Any]] = []
    groups = _groups(context)
    if groups:
        used.append(group_settings)
    if has_muon(groups):
        used += [orthogonalised, MuonSGD]
    return "".join(f"{inspect.getsource(each)}\n\n" for each in used)


def optimizer_expression(context: ProbeContext, source: LectureSource, device: str) -> str:
    """The expression that builds the optimizer of `model`."""
    lecture, hp = context.settings.lecture, context.settings.hyperparameters
    if lecture.optimizer is not None:
        return f"{source.declared('optimizer')}(model, HYPERPARAMETERS)"
    settings = optimizer_settings(lecture, hp)
    if is_fused(hp.optimizer, torch.device(device).type):
        settings["fused"] = True
    words = ", ".join(f"{name}={literal(value)}" for name, value in settings.items())
    groups, weights = _groups(context), "model.parameters()"
    name = f"torch.optim.{OPTIMIZERS[hp.optimizer].__name__}"
    if has_muon(groups):
        name = MuonSGD.__name__
    if groups:
        weights = (
            f"[\n    group_settings(group, dict({words}))\n"
            f"    for group in {source.declared('parameter_groups')}(model, HYPERPARAMETERS)\n]"
        )
    return f"{name}({weights}, {words})"


def _groups(context: ProbeContext) -> tuple[ParameterGroup, ...]:
    lecture, hp = context.settings.lecture, context.settings.hyperparameters
    return parameter_groups(lecture, context.model, hp)
