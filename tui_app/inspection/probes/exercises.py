"""Sets lecture 4's two exercises and checks the user's gradients against autograd's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.graph import Graph, graph_of


@dataclass(frozen=True)
class Exercise:
    """A graph, and the gradients to compute: `answers` by the name of the weight.

    `given` holds the user's numbers in the order of the answers; None before there are any.
    """

    text: str
    graph: Graph
    answers: tuple[tuple[str, float], ...]
    given: tuple[float, ...] | None

    @property
    def is_right(self) -> tuple[bool, ...]:
        """Which of the given numbers are the gradients."""
        return tuple(
            abs(number - answer) < 5e-3 * max(1.0, abs(answer))
            for number, (_, answer) in zip(self.given or (), self.answers, strict=False)
        )


def probe(context: ProbeContext | None, query: str) -> tuple[Exercise, ...]:
    """Both exercises. `query` holds the user's numbers: `-8` for the first, `2 2` for the second.

    The count of numbers decides which exercise they answer.
    """
    numbers = tuple(float(n) for n in re.findall(r"[-−+]?\d+(?:\.\d+)?", query.replace("−", "-")))
    first = graph_of(
        {"x": 2.0, "y": 4.0, "w": 1.0}, lambda leaf: (leaf["x"] * leaf["w"], leaf["y"]), 0.01
    )
    second = graph_of(
        {"x": 1.0, "y": 2.0, "w": 1.0, "b": 2.0},
        lambda leaf: (leaf["x"] * leaf["w"] + leaf["b"], leaf["y"]),
        0.01,
    )
    return (
        _exercise("Exercise 4-1: ŷ = x·w. What is ∂loss/∂w?", first, numbers),
        _exercise("Exercise 4-2: ŷ = x·w + b. What are ∂loss/∂w and ∂loss/∂b?", second, numbers),
    )


def _exercise(text: str, graph: Graph, numbers: tuple[float, ...]) -> Exercise:
    weights = [node for node in graph.nodes if node.kind == "weight"]
    answers = tuple((node.name, node.gradient or 0.0) for node in weights)
    return Exercise(text, graph, answers, numbers if len(numbers) == len(answers) else None)
