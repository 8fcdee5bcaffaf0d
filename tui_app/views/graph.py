"""Draws the computational graph of one sample: values forward, then gradients backward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.table import sentence, wrapped
from tui_app.text.quantities import as_factor, rounded
from tui_app.views.shared.graph_steps import (
    VisibleSteps,
    backward_order,
    current_node,
    forward_order,
    gradient_terms,
    visible_at,
)
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.graph import Graph, Node

#: Cells between two columns of nodes, for the lines that join them.
_GAP = 5


def draw(found: Graph, frame: Frame) -> list[Text]:
    """The graph, and a sentence on the current step. At 0 all values and gradients are written."""
    shown = visible_at(found, frame.at)
    below = _sentences(found, shown, frame)
    return [*picture(found, shown, frame, frame.rows - len(below) - 1), Text(), *below]


# The picture


def picture(graph: Graph, shown: VisibleSteps, frame: Frame, rows: int) -> list[Text]:
    """The graph from left to right if it fits, with products or without, else as a list."""
    tree = _Tree(graph, len(graph.nodes) - 1)
    for full in (True, False):
        texts = _texts(graph, shown, frame, full=full)
        columns = _columns(tree, texts)
        if columns[-1] <= frame.columns and tree.height <= rows:
            return _drawn(tree, texts, columns, graph, shown, frame)
    return _listed(graph, shown, frame, rows)


class _Tree:
    """A node and its inputs; a leaf that is used twice is drawn twice."""

    def __init__(self, graph: Graph, place: int, top: int = 0) -> None:
        self.place = place
        self.children: list[_Tree] = []
        below = top
        for number in graph.nodes[place].inputs:
            child = _Tree(graph, number, below)
            self.children.append(child)
            below += child.height
        self.height = max(3, below - top)
        self.level = 1 + max((child.level for child in self.children), default=-1)
        ends = [self.children[0].row, self.children[-1].row] if self.children else [top, top]
        self.row: int = sum(ends) // 2

    def all(self) -> list[_Tree]:
        """This node and everything below it."""
        return [self, *(node for child in self.children for node in child.all())]


def _texts(
    graph: Graph, shown: VisibleSteps, frame: Frame, *, full: bool
) -> Mapping[int, tuple[str, str]]:
    """The two lines at each node: its name and value, and its gradient."""
    computed = set(forward_order(graph)[: shown.forward])
    reached = set(backward_order(graph)[: shown.backward])
    texts = {}
    for place, node in enumerate(graph.nodes):
        is_computed = node.kind != "operation" or place in computed
        name = _plain(node.name, frame)
        value = rounded(node.value) if is_computed else "?"
        between = ": " if node.kind == "operation" else " = "
        gradient = ""
        if node.gradient is not None:
            symbol = frame.pen.sign("∂", "d")
            gradient = (
                f"{symbol} ?"
                if place not in reached
                else f"{symbol} {_product(graph, place, full)}"
            )
        texts[place] = (f"{name}{between}{value}", gradient)
    return texts


def _plain(name: str, frame: Frame) -> str:
    return name.replace("×", "x").replace("ŷ", "y^").replace("−", "-") if frame.pen.ascii else name


def _product(graph: Graph, place: int, full: bool) -> str:
    """`2·-4 = -8`: the local derivative times the upstream gradient, and the result."""
    gradient = graph.nodes[place].gradient or 0.0
    parts = gradient_terms(graph, place)
    if not full or not parts:
        return rounded(gradient)
    return (
        " + ".join(f"{as_factor(a)}·{as_factor(b)}" for a, b in parts) + f" = {rounded(gradient)}"
    )


def _columns(tree: _Tree, texts: Mapping[int, tuple[str, str]]) -> list[int]:
    """The column where each level begins, and last the one where the picture ends."""
    widths = [0] * (tree.level + 1)
    for node in tree.all():
        widths[node.level] = max(widths[node.level], *map(len, texts[node.place]))
    starts = [1]
    for width in widths:
        starts.append(starts[-1] + width + _GAP)
    starts[-1] -= _GAP
    return starts


def _drawn(
    tree: _Tree,
    texts: Mapping[int, tuple[str, str]],
    columns: list[int],
    graph: Graph,
    shown: VisibleSteps,
    frame: Frame,
) -> list[Text]:
    canvas, pen = Canvas(frame.columns, tree.height, frame.pen), frame.pen
    now = current_node(graph, shown)
    for node in tree.all():
        for child in node.children:
            _join(canvas, columns, node, child, texts)
    for node in tree.all():
        kind = graph.nodes[node.place].kind
        meaning = {"weight": "model", "data": "data", "operation": "strong"}[kind]
        meaning += " here" if node.place == now else ""
        value, gradient = texts[node.place]
        canvas.write(columns[node.level], node.row, value, pen.style(meaning))
        canvas.write(columns[node.level], node.row + 1, gradient, pen.style("bad"))
    return canvas.lines()


def _join(
    canvas: Canvas,
    columns: list[int],
    parent: _Tree,
    child: _Tree,
    texts: Mapping[int, tuple[str, str]],
) -> None:
    """Draw a line from a node to the node computed from it."""
    style, ascii_only = canvas.pen.style("faint"), canvas.pen.ascii
    turn, start = columns[parent.level] - 3, columns[child.level] + len(texts[child.place][0]) + 1
    across = "-" if ascii_only else "─"
    canvas.write(start, child.row, across * (turn - start), style)
    rows = [one.row for one in parent.children]
    for row in range(min(rows), max(rows) + 1):
        left, right = row in rows, row == parent.row
        up, down = row > min(rows), row < max(rows)
        canvas.write(turn, row, "+" if ascii_only else _corner(left, right, up, down), style)
    canvas.write(turn + 1, parent.row, across, style)


def _corner(left: bool, right: bool, up: bool, down: bool) -> str:
    corners = {
        (True, True, False, False): "─", (True, False, False, True): "┐",
        (True, False, True, False): "┘", (False, True, True, True): "├",
        (False, False, True, True): "│", (True, True, True, True): "┼",
        (True, False, True, True): "┤", (True, True, True, False): "┴",
        (True, True, False, True): "┬",
    }  # fmt: skip
    return corners.get((left, right, up, down), "│")


def _listed(graph: Graph, shown: VisibleSteps, frame: Frame, rows: int) -> list[Text]:
    """One node a line, where the picture doesn't fit."""
    texts, now = _texts(graph, shown, frame, full=True), current_node(graph, shown)
    lines = []
    for place, node in enumerate(graph.nodes):
        value, gradient = texts[place]
        uses = ", ".join(_plain(graph.nodes[i].name, frame) for i in node.inputs)
        name = f"{value} ({uses})" if uses else value
        marker = ">" if place == now else " "
        lines.append(sentence(f"{marker} {name:<34}", (gradient, "bad"), pen=frame.pen))
    return lines[-rows:]


# The sentence


def _sentences(graph: Graph, shown: VisibleSteps, frame: Frame) -> list[Text]:
    if shown.updated:
        updates = (
            f"{name} = {rounded(before)} - {graph.lr:g}·{as_factor((before - after) / graph.lr)} "
            f"= {rounded(after, 6)}"
            for name, before, after in graph.updates
        )
        return wrapped(f"update: {',  '.join(updates)}", frame.columns, frame.pen, "good")
    node = graph.nodes[current_node(graph, shown)]
    if not shown.backward:
        return wrapped(_forward_sentence(graph, node), frame.columns, frame.pen, "")
    return wrapped(
        _backward_sentence(graph, current_node(graph, shown)), frame.columns, frame.pen, "bad"
    )


def _forward_sentence(graph: Graph, node: Node) -> str:
    inputs = (f"{graph.nodes[i].name} = {rounded(graph.nodes[i].value)}" for i in node.inputs)
    return f"forward: {node.name} of ({', '.join(inputs)}) is {rounded(node.value)}"


def _backward_sentence(graph: Graph, place: int) -> str:
    node, parts = graph.nodes[place], gradient_terms(graph, place)
    if not parts:
        return "backward begins at the loss: ∂loss/∂loss = 1"
    products = " + ".join(f"local {rounded(a)} × upstream {rounded(b)}" for a, b in parts)
    return f"backward: ∂loss/∂({node.name}) = {products} = {rounded(node.gradient or 0.0)}"


def _places(found: Graph) -> int:
    return len(forward_order(found)) + len(backward_order(found)) + 2


VIEW = View(
    "Computational graph",
    "graph",
    draw,
    _places,
    "node",
    "which sample: 1, 2, 3",
    overview="all",
    unavailable_text="Only models with a few single weights have a graph: lectures 2 to 4.",
    suits=lambda traits: (
        bool(traits.single_weights) and traits.squared_error and not traits.has_matrices
    ),
)
