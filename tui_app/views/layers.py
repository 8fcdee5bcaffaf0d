"""Draws the table of layers: shapes, weights, multiply-adds, and the first shape mismatch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.table import sentence, wrapped
from tui_app.text.cells import padded
from tui_app.text.quantities import grouped
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.training.layers import Layer, Layers


def draw(found: Layers, frame: Frame) -> list[Text]:
    """One layer a line, in the order they run, from the place on."""
    pen, columns = frame.pen, frame.columns
    kinds = min(34, max(20, columns - 48))
    head = f"{padded('layer', kinds)} {'in':>11} {'out':>11} {'weights':>9} {'mult-adds':>11}"
    words = _words(found, frame)
    room = max(1, frame.rows - len(words) - 1)
    lines = [sentence((head, "faint"), pen=pen)]
    rows = table_rows(found)
    start = min(frame.at, max(0, len(rows) - 1))
    most = max((layer.multiply_adds for layer in rows), default=0)
    if (
        len(rows) - start > room and found.problem
    ):  # the layer that fails, the last one, must be visible
        start = len(rows) - room
    lines += [_row(layer, kinds, most, frame) for layer in rows[start : start + room]]
    hidden = len(rows) - start - room
    if hidden > 0:
        lines[-1] = sentence((f"... and {hidden + 1} more layers", "faint"), pen=pen)
    return [*lines, *words]


def table_rows(found: Layers) -> list[Layer]:
    """The layers without those that pass their input on."""
    return [layer for layer in found.layers if layer.kind != "Identity"]


def _row(layer: Layer, kinds: int, most: int, frame: Frame) -> Text:
    pen = frame.pen
    kind = layer.kind.replace("→", ">").replace("×", "x") if pen.ascii else layer.kind
    out = shape(layer.after, frame) if layer.after else pen.sign("✗ fails", "x fails")
    numbers = f"{_count(layer.parameters, frame):>9} {_count(layer.multiply_adds, frame):>11}"
    line = f"{padded(kind, kinds)} {shape(layer.before, frame):>11} {out:>11} {numbers}"
    meaning = "" if layer.after else "bad strong"
    if layer.after and layer.multiply_adds == most and most:
        meaning = "data"
    if not layer.after:
        return sentence((line, meaning), pen=pen)
    return sentence((line, meaning or ("" if layer.parameters else "faint")), pen=pen)


def shape(sizes: tuple[int, ...], frame: Frame) -> str:
    """`20×8×8`, cut to the width of a column."""
    return padded(frame.pen.sign("×", "x").join(map(str, sizes)), 11).strip()


def _count(number: int, frame: Frame) -> str:
    return grouped(number) if number else frame.pen.sign("·", "-")


def _words(found: Layers, frame: Frame) -> list[Text]:
    total = sum(layer.multiply_adds for layer in found.layers)
    sums = (
        f"{grouped(found.parameters)} weights, {_count(total, frame)} multiply-adds for one sample"
    )
    lines = wrapped(sums, frame.columns, frame.pen, "strong")
    if found.problem:
        return [*lines, *wrapped(found.failure_text, frame.columns, frame.pen, "bad")]
    return lines


VIEW = View("Layers", "layers", draw, lambda found: len(table_rows(found)), "layer")
