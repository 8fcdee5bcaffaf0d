"""Draws an activation function with its derivative, and a histogram of the values that enter it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.plot import Plot, span
from tui_app.drawing.table import sentence
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.activations import ActivationLayer


def draw(found: tuple[ActivationLayer, ...], frame: Frame) -> list[Text]:
    """The function, its derivative and the histogram of its inputs, for the layer at the place."""
    layer, pen = found[min(frame.at, len(found) - 1)], frame.pen
    canvas = Canvas(frame.columns, frame.rows - 3, pen)
    z, output, slope = layer.curve
    low, high = span(np.concatenate([output, slope]), 0.08)
    high = min(high, 2.2) if output.max() > 4 else high
    plot = Plot(canvas, (layer.low, layer.high), (low, high))
    _histogram(plot, layer)
    plot.axes("z")
    plot.level(0.0, pen.style("faint"))
    plot.curve(z, slope, pen.style("bad"))
    plot.curve(z, output, pen.style("model"))
    return [*canvas.lines(), *_words(found, layer, frame)]


def _histogram(plot: Plot, layer: ActivationLayer) -> None:
    """The inputs by value; the highest bar is half as high as the plot."""
    pen, canvas = plot.canvas.pen, plot.canvas
    heights = layer.counts / max(1, layer.counts.max()) * plot.rows * 0.5
    bins = (np.arange(plot.columns) / plot.columns * len(heights)).astype(int)
    bottom = plot.top + plot.rows - 1
    for column in range(plot.columns):
        eighths = round(float(heights[bins[column]]) * 8)
        eighths = max(eighths, 1) if layer.counts[bins[column]] else 0
        for row in range(-(-eighths // 8)):
            filled = min(8, eighths - 8 * row)
            sign = ":" if pen.ascii else " ▁▂▃▄▅▆▇█"[filled]
            style = "#5a5a5a" if pen.colour else "dim"
            canvas.write(plot.left + column, bottom - row, sign, style)


def _words(found: tuple[ActivationLayer, ...], layer: ActivationLayer, frame: Frame) -> list[Text]:
    pen, place = frame.pen, found.index(layer)
    largest = float(layer.curve[2].max())
    return [
        sentence(
            (
                f"layer {place + 1} of {len(found)}: {layer.kind}, {layer.neurons} neurons   ",
                "strong",
            ),
            (f"{pen.sign('━', '-')} f", "model"),
            ("  ", ""),
            (f"{pen.sign('━', '-')} f' (at most {largest:.3g})", "bad"),
            ("  bars: the inputs z", "faint"),
            pen=pen,
        ),
        sentence(
            f"standard deviation of the outputs {layer.spread:.3f}",
            (
                f"   slope below a tenth: {100 * layer.saturated:.1f} %",
                "bad" if layer.saturated > 0.5 else "",
            ),
            pen=pen,
        ),
        sentence(
            (
                f"dead neurons (0 for every sample): {100 * layer.dead:.1f} %",
                "bad" if layer.dead > 0.2 else "faint",
            ),
            pen=pen,
        ),
    ]


VIEW = View(
    "Activations",
    "activations",
    draw,
    len,
    "layer",
    accepts=bool,
    unavailable_text="This network has no activation function.",
    suits=lambda traits: traits.activations > 0,
)
