"""What kind of model and data there are, as far as it decides which views can be had of them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from datasets.dataset import Task
from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.activations import KINDS
from tui_app.inspection.probes.graph import has_matrices


@dataclass(frozen=True)
class Traits:
    """`views` are those that the lecture names, none for one that leaves it to its model.

    `is_sequence` says that each symbol of a sample has a class of its own. `single_weights` counts
    the weights of a model that consists of nothing but single numbers, else it is 0;
    `has_matrices` says whether it computes with matrices all the same, as nn.Linear(1, 1) does.
    `kernel_sides` has the sides of the
    convolutions' kernels.
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
    """Nothing is computed: the model's modules are counted."""
    spec, modules = context.data.spec, list(context.model.modules())
    weights = list(context.model.parameters())
    is_single = all(weight.numel() == 1 for weight in weights)
    return Traits(
        views=context.settings.lecture.views,
        task=spec.task,
        input_shape=spec.input_shape,
        classes=len(spec.classes),
        is_sequence=spec.task == "multiclass" and context.split.targets.ndim > 1,
        squared_error=isinstance(context.criterion, nn.MSELoss),
        single_weights=len(weights) if is_single else 0,
        has_matrices=has_matrices(context.model),
        activations=sum(isinstance(module, KINDS) for module in modules),
        kernel_sides=tuple(m.kernel_size[0] for m in modules if isinstance(m, nn.Conv2d)),
    )
