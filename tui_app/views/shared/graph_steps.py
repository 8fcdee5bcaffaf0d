"""Orders the values and gradients of a graph, and says which the user has stepped to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_app.inspection.probes.graph import Graph


@dataclass(frozen=True)
class Shown:
    """How many values (forward) and gradients (backward) are visible."""

    forward: int
    backward: int
    updated: bool


def everything(graph: Graph) -> Shown:
    """All values and gradients."""
    return Shown(len(steps_of(graph)), len(backward_of(graph)), True)


def steps_of(graph: Graph) -> list[int]:
    """The nodes that are computed, in the order of the forward pass."""
    return [place for place, node in enumerate(graph.nodes) if node.kind == "operation"]


def backward_of(graph: Graph) -> list[int]:
    """The nodes with a gradient, in the order of the backward pass: from the loss to weights."""
    order = sorted(range(len(graph.nodes)), key=lambda i: (graph.nodes[i].kind != "operation", -i))
    return [place for place in order if graph.nodes[place].gradient is not None]


def shown_at(graph: Graph, at: int) -> Shown:
    """What is visible after `at` steps; at 0 everything."""
    if at == 0:
        return everything(graph)
    forward, backward = len(steps_of(graph)), len(backward_of(graph))
    return Shown(min(at, forward), min(max(0, at - forward), backward), at > forward + backward)


def parts_of(graph: Graph, place: int) -> list[tuple[float, float]]:
    """The (local derivative, upstream gradient) of every node that uses this one."""
    return [
        (local, node.gradient)
        for node in graph.nodes
        for number, local in zip(node.inputs, node.local_derivatives, strict=True)
        if number == place and local is not None and node.gradient is not None
    ]


def node_at(graph: Graph, shown: Shown) -> int:
    """The node that was reached last; -1 when everything is shown."""
    if shown.updated:
        return -1
    if shown.backward:
        return backward_of(graph)[shown.backward - 1]
    return steps_of(graph)[shown.forward - 1]
