"""Draws the kernels of a convolution as images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.raster import centred_shares, scale_image
from tui_app.drawing.table import sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.images import Images, Kernels


def draw(found: Images, frame: Frame) -> list[Text]:
    """The kernels of the convolution at the place: out channels across, in channels down."""
    kernels = found.kernels[min(frame.at, len(found.kernels) - 1)]
    canvas = Canvas(frame.columns, frame.rows - 2, frame.pen)
    shown = _draw(canvas, kernels)
    outputs, inputs, *_ = kernels.weights.shape
    kind = kernels.kind if not frame.pen.ascii else kernels.kind.replace("→", ">").replace("×", "x")
    largest = float(np.abs(kernels.weights).max())
    rest = "" if shown == outputs * inputs else f", {shown} of {outputs * inputs} shown"
    return [
        sentence((layer_title(kind, kernels.name), "strong"), pen=frame.pen),
        *canvas.lines(),
        sentence(
            f"across: channels out, down: channels in{rest}",
            (f"   blue -{largest:.2f} to orange {largest:.2f}", "faint"),
            pen=frame.pen,
        ),
    ]


def layer_title(kind: str, name: str) -> str:
    """A layer with its name in the model. An index, as nn.Sequential gives it, is left out: it
    counts from 0, but places are counted from 1.
    """
    return kind if name.replace(".", "").isdigit() else f"{kind} ({name})"


def _draw(canvas: Canvas, kernels: Kernels) -> int:
    """Draw as many kernels as fit; return how many."""
    outputs, inputs, height, width = kernels.weights.shape
    zoom = 1
    while _fits(canvas, outputs, inputs, height, width, zoom + 1):
        zoom += 1
    cell, rows = width * zoom, -(-height * zoom // 2)
    if inputs == 1:  # a single row of kernels is wrapped into several
        return _draw_wrapped(canvas, kernels, cell, rows)
    across, down = (canvas.columns + 1) // (cell + 1), max(1, canvas.rows // (rows + 1))
    shares = centred_shares(kernels.weights)
    for row in range(min(inputs, down)):
        for column in range(min(outputs, across)):
            _one(canvas, shares[column, row], column * (cell + 1), row * (rows + 1), cell, rows)
    return min(inputs, down) * min(outputs, across)


def _fits(canvas: Canvas, outputs: int, inputs: int, height: int, width: int, zoom: int) -> bool:
    rows = -(-height * zoom // 2) + 1
    across = (canvas.columns + 1) // (width * zoom + 1)
    if inputs == 1:
        return across > 0 and -(-outputs // across) * rows <= canvas.rows
    return across >= outputs and inputs * rows <= canvas.rows


def _draw_wrapped(canvas: Canvas, kernels: Kernels, cell: int, rows: int) -> int:
    across = max(1, (canvas.columns + 1) // (cell + 1))
    shares = centred_shares(kernels.weights)[:, 0]
    shown = 0
    for number, kernel in enumerate(shares):
        y = number // across * (rows + 1)
        if y + rows > canvas.rows:
            break
        _one(canvas, kernel, number % across * (cell + 1), y, cell, rows)
        shown += 1
    return shown


def _one(canvas: Canvas, kernel: np.ndarray, x: int, y: int, cell: int, rows: int) -> None:
    height = round(kernel.shape[0] * cell / kernel.shape[1])
    pixels = scale_image(kernel, cell, height)
    if height % 2:
        pixels = np.concatenate([pixels, np.full_like(pixels[:1], 0.5)])
    canvas.pixels(x, y, pixels[: 2 * rows], "diverging")


def _places(found: Images) -> int:
    return len(found.kernels)


VIEW = View(
    "Kernels",
    "images",
    draw,
    _places,
    "convolution",
    accepts=lambda found: bool(found.kernels),
    unavailable_text="Only a model with convolutions over images has kernels.",
    suits=lambda traits: traits.is_image and bool(traits.kernel_sides),
)
