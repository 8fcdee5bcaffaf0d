"""Draws an image from the user's folder, as large as possible."""

from __future__ import annotations

import numpy as np
from rich.text import Text

from tui_app.app.widgets.view_area import ViewArea
from tui_app.drawing.canvas import Canvas
from tui_app.drawing.raster import brightness, fit_image
from tui_app.text.cells import cut
from tui_app.text.escaping import printable


class ImageArea(ViewArea):
    """Half blocks in shades of grey, below the file's name."""

    label, _problem = "", ""
    pixels: np.ndarray | None = None

    def show_image(self, name: str, pixels: np.ndarray | None, problem: str = "") -> None:
        """Show an image (C, H, W) uint8, or the problem with it."""
        self.label, self.pixels, self._problem = name, pixels, problem
        self._draw()

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self._draw()

    def _draw(self) -> None:
        columns, rows = self.size.width, self.size.height
        name = cut(Text(printable(self.label), "dim"), columns)
        if self.pixels is None or rows < 3:
            self.show(
                [name, *Text(printable(self._problem)).wrap(self.app.console, max(1, columns))]
            )
            return
        canvas = Canvas(columns, rows - 1, self.pen)
        canvas.pixels(0, 0, fit_image(brightness(self.pixels), columns, rows - 1))
        self.show([name, *canvas.lines()])
