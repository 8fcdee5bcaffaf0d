"""Orders the values and gradients of a graph, and says which the user has stepped to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_app.inspection.probes.graph import Graph


@dataclass(frozen=True)
class VisibleSteps:
    """How many values (forward) and gradients (backward) are visible."""

    forward: int
    backward: int
    updated: bool


def all_steps(graph: Graph) -> VisibleSteps:
    """All values and gradients."""
    return VisibleSteps(len(forward_order(graph)), len(backward_order(graph)), True)


def forward_order(graph: Graph) -> list[int]:
    """The nodes that are computed, in the order of the forward pass."""
    return [place for place, node in enumerate(graph.nodes) if node.kind == "operation"]


def backward_order(graph: Graph) -> list[int]:
    """The nodes with a gradient, in the order of the backward pass: from the loss to weights."""
    order = sorted(range(len(graph.nodes)), key=lambda i: (graph.nodes[i].kind != "operation", -i))
    return [place for place in order if graph.nodes[place].gradient is not None]


def visible_at(graph: Graph, at: int) -> VisibleSteps:
    """What is visible after `at` steps; at 0 everything."""
    if at == 0:
        return all_steps(graph)
    forward, backward = len(forward_order(graph)), len(backward_order(graph))
    return VisibleSteps(
        min(at, forward), min(max(0, at - forward), backward), at > forward + backward
    )


def gradient_terms(graph: Graph, place: int) -> list[tuple[float, float]]:
    """The (local derivative, upstream gradient) of every node that uses this one."""
    return [
        (local, node.gradient)
        for node in graph.nodes
        for number, local in zip(node.inputs, node.local_derivatives, strict=True)
        if number == place and local is not None and node.gradient is not None
    ]


def current_node(graph: Graph, shown: VisibleSteps) -> int:
    """The node that was reached last; -1 when everything is shown."""
    if shown.updated:
        return -1
    if shown.backward:
        return backward_order(graph)[shown.backward - 1]
    return forward_order(graph)[shown.forward - 1]
