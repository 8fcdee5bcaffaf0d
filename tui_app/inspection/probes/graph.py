"""Records the computation of one sample's loss, operation by operation, forward and backward.

A torch function mode records the operations. The gradients are autograd's, and so is the derivative
of each single operation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from datasets.reading.cell_numbers import whole_number
from tui_app.inspection.probe_context import ProbeContext

#: How the graph writes an operation, by torch's name for it.
_SIGNS = {
    "mul": "×", "add": "+", "sub": "−", "rsub": "−", "square": "square", "pow": "pow",
    "sigmoid": "σ", "log": "log", "neg": "neg", "div": "÷",
}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """A value of the graph. `inputs` are the nodes it was computed from, `local_derivatives` its
    derivatives by them; `gradient` is ∂loss/∂value, None where autograd computes none.

    `kind` is weight, data or operation.
    """

    name: str
    kind: str
    value: float
    gradient: float | None
    inputs: tuple[int, ...] = ()
    local_derivatives: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Graph:
    """Nodes in the order they were computed, the loss last; `updates` are (name, before, after)."""

    nodes: tuple[Node, ...]
    lr: float
    updates: tuple[tuple[str, float, float], ...]
    note: str = ""


@dataclass
class _Recorder(TorchFunctionMode):
    """Records every scalar that torch computes, in order."""

    leaves: list[tuple[str, str, Tensor]]
    steps: list[tuple[str, Tensor, list[Any], Callable[..., Tensor]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "").strip("_")
        if isinstance(result, Tensor) and result.numel() == 1 and name != "get":
            again = lambda *given: func(*given, **(kwargs or {}))  # noqa: E731
            self.steps.append((name, result, list(args), again))
        return result


def probe(context: ProbeContext, query: str) -> Graph | None:
    """The graph of one sample; None for a model whose weights aren't single numbers."""
    if any(weight.numel() > 1 for weight in context.model.parameters()):
        return None
    if not isinstance(context.criterion, nn.MSELoss) or has_matrices(context.model):
        return None
    number = whole_number(query)
    number = 2 if number is None else number  # in the course's second sample, x isn't 1
    row = min(max(number, 1), len(context.train)) - 1
    inputs, targets = context.batch(context.train, np.array([row]))
    weights = {name: w.item() for name, w in context.model.named_parameters()}
    model = context.model

    def forward(leaves: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        named = {name: leaves[name] for name in weights}
        return torch.func.functional_call(model, named, (leaves["x"],)), leaves["y"]

    values = {"x": float(inputs[0, 0]), "y": float(targets[0, 0]), **weights}
    return graph_of(values, forward, context.lr)


def has_matrices(model: nn.Module) -> bool:
    """Whether the model holds layers or matrices, rather than single numbers alone."""
    return any(True for _ in model.children()) or any(w.ndim > 1 for w in model.parameters())


def graph_of(
    values: dict[str, float],
    forward: Callable[[dict[str, Tensor]], tuple[Tensor, Tensor]],
    lr: float,
    note: str = "",
) -> Graph:
    """The graph of (ŷ - y)², where `forward` gives (ŷ, y) from the leaves; x and y are data."""
    with torch.enable_grad():
        leaves = {
            name: torch.tensor(value, requires_grad=name not in ("x", "y"))
            for name, value in values.items()
        }
        recorder = _Recorder([])
        with recorder:
            predicted, target = forward(leaves)
            loss = (predicted - target).square()
        return _graph(leaves, recorder, predicted, loss, lr, note)


def _graph(
    leaves: dict[str, Tensor],
    recorder: _Recorder,
    predicted: Tensor,
    loss: Tensor,
    lr: float,
    note: str,
) -> Graph:
    tensors = [*leaves.values(), *(result for _, result, _, _ in recorder.steps)]
    needed = [tensor for tensor in tensors if tensor.requires_grad]
    found = torch.autograd.grad(loss, needed, allow_unused=True)
    gradients = {id(t): float(g) for t, g in zip(needed, found, strict=True) if g is not None}
    places = {id(tensor): place for place, tensor in enumerate(tensors)}
    nodes = [
        Node(name, "data" if name in ("x", "y") else "weight", leaf.item(), gradients.get(id(leaf)))
        for name, leaf in leaves.items()
    ]
    for name, result, args, again in recorder.steps:
        inputs = [arg for arg in args if isinstance(arg, Tensor) and id(arg) in places]
        label = _label(name, args)
        label = f"{label} = ŷ" if result is predicted else label
        label = "square = loss" if result is loss else label
        nodes.append(
            Node(
                name=label,
                kind="operation",
                value=result.item(),
                gradient=gradients.get(id(result)),
                inputs=tuple(places[id(arg)] for arg in inputs),
                local_derivatives=_locals(args, inputs, again),
            )
        )
    updates = tuple(
        (name, leaf.item(), leaf.item() - lr * gradients[id(leaf)])
        for name, leaf in leaves.items()
        if id(leaf) in gradients
    )
    return Graph(tuple(nodes), lr, updates, note)


def _label(name: str, args: list[Any]) -> str:
    if name == "pow" and len(args) > 1:
        return f"^{args[1]}"
    return _SIGNS.get(name, name)


def _locals(
    args: list[Any], inputs: list[Tensor], again: Callable[..., Tensor]
) -> tuple[float | None, ...]:
    """The derivative of one operation by each of its inputs, taken as independent variables."""
    alone = {id(arg): arg.detach().clone().requires_grad_() for arg in inputs}
    result = again(*(alone.get(id(arg), arg) if isinstance(arg, Tensor) else arg for arg in args))
    given = [alone[id(arg)] for arg in inputs]
    return tuple(slope.item() for slope in torch.autograd.grad(result, given))
