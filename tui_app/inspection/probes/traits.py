"""Summarises the traits of a model and its data that decide which views suit them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from datasets.dataset import Task
from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.activations import ACTIVATION_TYPES
from tui_app.inspection.probes.graph import has_matrices


@dataclass(frozen=True)
class Traits:
    """`views` are those that the lecture lists; empty where its model and data decide.

    `is_sequence` means that each symbol of a sample has its class. `single_weights` is the number
    of weights of a model that has nothing but single numbers, else 0; `has_matrices` says whether
    such a model computes with matrices all the same, as nn.Linear(1, 1) does. `kernel_sides` are
    the sides of the convolutions' kernels.
    """

    views: tuple[str, ...]
    task: Task
    input_shape: tuple[int, ...]
    classes: int
    is_sequence: bool
    squared_error: bool
    single_weights: int
    has_matrices: bool
    activations: int
    kernel_sides: tuple[int, ...]

    @property
    def is_image(self) -> bool:
        """Whether a sample is an image, (channels, height, width)."""
        return len(self.input_shape) == 3

    @property
    def has_predictions(self) -> bool:
        """Whether each sample has one class."""
        return self.classes > 1 and not self.is_sequence


def probe(context: ProbeContext, query: str) -> Traits:
    """The traits; the model isn't run."""
    spec, modules = context.data.spec, list(context.model.modules())
    weights = list(context.model.parameters())
    is_single = all(weight.numel() == 1 for weight in weights)
    return Traits(
        views=context.settings.lecture.views,
        task=spec.task,
        input_shape=spec.input_shape,
        classes=len(spec.classes),
        is_sequence=context.is_sequence,
        squared_error=isinstance(context.criterion, nn.MSELoss),
        single_weights=len(weights) if is_single else 0,
        has_matrices=has_matrices(context.model),
        activations=sum(isinstance(module, ACTIVATION_TYPES) for module in modules),
        kernel_sides=tuple(m.kernel_size[0] for m in modules if isinstance(m, nn.Conv2d)),
    )
