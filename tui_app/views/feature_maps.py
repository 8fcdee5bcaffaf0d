"""Draws the outputs of each convolutional layer for one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.raster import brightness, centred_shares, fit_image
from tui_app.drawing.table import sentence
from tui_app.views.kernels import layer_title
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.images import Images, Maps


def draw(found: Images, frame: Frame) -> list[Text]:
    """At 0 the first maps of every layer; from 1 on all maps of one layer."""
    canvas = Canvas(frame.columns, frame.rows - 1, frame.pen)
    if frame.at:
        layer = found.layers[min(frame.at, len(found.layers)) - 1]
        words = _one(canvas, found, layer)
    else:
        words = _all(canvas, found)
    return [
        *canvas.lines(),
        sentence(words, ("  below zero blue, above orange", "faint"), pen=frame.pen),
    ]


def _all(canvas: Canvas, found: Images) -> str:
    """A row of maps for each layer, the image first."""
    room = canvas.rows
    levels = _chosen(found.layers, max(1, room // 6))
    height = max(3, room // (len(levels) + 1) - 1)
    side = 2 * height
    canvas.write(0, 0, f"sample {found.sample + 1}, a {found.label}", canvas.pen.style("strong"))
    canvas.pixels(0, 1, fit_image(brightness(found.image), side, height))
    y = height + 1
    for layer in levels:
        if y + 2 > room:
            break
        shape = canvas.pen.sign("×", "x").join(map(str, (layer.channels, *layer.maps.shape[1:])))
        canvas.write(0, y, f"{_kind(canvas, layer)}: {shape}", canvas.pen.style("faint"))
        _maps(canvas, layer.maps, 0, y + 1, side, min(height, room - y - 1), rows=1)
        y += height + 1
    return f"{len(found.layers)} layers, predicted: {found.predicted}"


def _chosen(layers: tuple[Maps, ...], count: int) -> list[Maps]:
    """As many layers as fit, evenly from the first to the last."""
    if len(layers) <= count:
        return list(layers)
    return [layers[i] for i in np.linspace(0, len(layers) - 1, count).round().astype(int)]


def _one(canvas: Canvas, found: Images, layer: Maps) -> str:
    """All maps of a layer, as large as fits."""
    count = len(layer.maps)
    best = max(range(1, count + 1), key=lambda across: _side(canvas, count, across))
    side = _side(canvas, count, best)
    canvas.write(0, 0, layer_title(_kind(canvas, layer), layer.name), canvas.pen.style("strong"))
    down = -(-count // best)
    _maps(canvas, layer.maps, 0, 1, side, max(1, side // 2), rows=down)
    lowest, highest = float(layer.maps.min()), float(layer.maps.max())
    size = "x".join(map(str, layer.maps.shape[1:]))
    return f"{layer.channels} maps of {size}, from {lowest:.2f} to {highest:.2f}"


def _side(canvas: Canvas, count: int, across: int) -> int:
    """The width of a map in cells, an even number, with `across` maps side by side."""
    down = -(-count // across)
    side = min((canvas.columns + 1) // across - 1, 2 * ((canvas.rows - 1) // down - 1) + 2)
    return max(2, side - side % 2)


def _maps(
    canvas: Canvas, maps: np.ndarray, x: int, y: int, side: int, height: int, *, rows: int
) -> None:
    """Draw maps side by side in `rows` rows, all on one scale."""
    scaled = centred_shares(maps.astype(np.float64))
    across = max(1, min((canvas.columns + 1) // (side + 1), -(-len(maps) // rows)))
    for number, image in enumerate(scaled[: across * rows]):
        row, column = divmod(number, across)
        pixels = fit_image(image, side, height)
        canvas.pixels(x + column * (side + 1), y + row * (height + (rows > 1)), pixels, "diverging")


def _kind(canvas: Canvas, layer: Maps) -> str:
    return layer.kind.replace("→", ">").replace("×", "x") if canvas.pen.ascii else layer.kind


def _places(found: Images) -> int:
    return len(found.layers) + 1


VIEW = View(
    "Feature maps",
    "images",
    draw,
    _places,
    "layer",
    "the number of a sample, from 1",
    overview="all",
    accepts=lambda found: bool(found.layers),
    unavailable_text="Only a model with convolutions over images has feature maps.",
    suits=lambda traits: traits.is_image and bool(traits.kernel_sides),
)
