"""Draws text, braille dots (2x4 to a cell) and half blocks (1x2) on a grid of cells."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from tui_app.drawing.pen import Pen, hexadecimal, ramp

#: The bit of each dot in a braille cell, by row and column (Unicode, block Braille Patterns).
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

ASPECT = 2.0  # a cell is about twice as tall as wide


class Canvas:
    """Cells from (0, 0) at the top left; later writes replace earlier ones."""

    def __init__(self, columns: int, rows: int, pen: Pen) -> None:
        self.columns, self.rows, self.pen = max(1, columns), max(1, rows), pen
        self._signs = [[" "] * self.columns for _ in range(self.rows)]
        self._styles = [[""] * self.columns for _ in range(self.rows)]
        self._dots = np.zeros((self.rows, self.columns), np.uint8)

    def write(self, x: int, y: int, text: str, style: str = "") -> None:
        """Write text from a cell to the right, in a rich style; what lies outside is cut."""
        if not 0 <= y < self.rows or x >= self.columns:
            return
        if len(text) == 1 and x >= 0 and (text < "\u1100" or "\u2000" < text < "\u2e80"):
            self._signs[y][x], self._styles[y][x], self._dots[y, x] = text, style, 0
            return
        if x < 0:
            text, x = text[-x:], 0
        if cell_len(text) > self.columns - x:
            text = set_cell_size(text, self.columns - x)
        for sign in text:
            width = cell_len(sign)
            if not width or x + width > self.columns:
                continue
            for place in range(x, x + width):
                self._signs[y][place] = sign if place == x else ""
                self._styles[y][place] = style
                self._dots[y, place] = 0
            x += width

    def dot(self, x: int, y: int, style: str = "") -> None:
        """Set a braille dot; a cell is 2 dots wide and 4 high."""
        row, column = y // 4, x // 2
        if 0 <= row < self.rows and 0 <= column < self.columns:
            if not self._dots[row, column]:
                self._signs[row][column] = " "
            self._dots[row, column] |= _BITS[y % 4][x % 2]
            self._styles[row][column] = style

    def style_at(self, column: int, row: int) -> str:
        """The style of a cell; empty outside of the canvas."""
        if not (0 <= row < self.rows and 0 <= column < self.columns):
            return ""
        return self._styles[row][column]

    def over(self, column: int, row: int, style: str) -> str:
        """`style` with the background that the cell has now."""
        _, on, background = self.style_at(column, row).partition(" on ")
        return f"{style}{on}{background}"

    def line(self, x0: float, y0: float, x1: float, y1: float, style: str = "") -> None:
        """Set the dots of a straight line."""
        reach = 8 * (self.columns + self.rows)  # enough for a line to a point far outside
        if not all(abs(value) < reach * 100 for value in (x0, y0, x1, y1)):
            return
        count = int(max(abs(x1 - x0), abs(y1 - y0))) + 1
        for part in np.linspace(0, 1, min(count + 1, reach * 4)):
            self.dot(round(x0 + part * (x1 - x0)), round(y0 + part * (y1 - y0)), style)

    def pixels(self, x: int, y: int, shares: np.ndarray, palette: str = "grey") -> None:
        """Draw an image (2·rows, columns) of shares from 0 to 1, two pixels to a cell."""
        upper, lower = shares[0::2], shares[1::2]
        if len(lower) < len(upper):
            lower = np.concatenate([lower, np.zeros_like(upper[:1])])
        if not self.pen.colour or self.pen.ascii:
            self._shades(x, y, (upper + lower) / 2, palette)
            return
        above, below = ramp(upper, palette), ramp(lower, palette)
        for row in range(len(upper)):
            for column in range(upper.shape[1]):
                style = f"{hexadecimal(above[row, column])} on {hexadecimal(below[row, column])}"
                self.write(x + column, y + row, "▀", style)

    def _shades(self, x: int, y: int, shares: np.ndarray, palette: str) -> None:
        """Draw an image without half blocks: by density, or by - and + for values around zero."""
        for row in range(len(shares)):
            for column in range(shares.shape[1]):
                share = float(shares[row, column])
                if palette == "diverging":
                    size = abs(share - 0.5) * 2
                    signs = "-=" if share < 0.5 else "+#"
                    self.write(x + column, y + row, " " if size < 0.2 else signs[size > 0.6])
                elif self.pen.colour:
                    style = hexadecimal(ramp(np.array(share), palette))
                    self.write(x + column, y + row, self.pen.shade(share), style)
                else:
                    self.write(x + column, y + row, self.pen.shade(share))

    def lines(self) -> list[Text]:
        """The canvas as text, one line for each row."""
        return [self._row(row) for row in range(self.rows)]

    def _row(self, row: int) -> Text:
        text, signs, style = Text(no_wrap=True, end=""), "", ""
        for column in range(self.columns):
            dots = int(self._dots[row, column])
            sign = self._braille(dots) if dots else self._signs[row][column]
            if self._styles[row][column] != style:
                text.append(signs, style or None)
                signs, style = "", self._styles[row][column]
            signs += sign
        text.append(signs, style or None)
        return text

    def _braille(self, dots: int) -> str:
        if not self.pen.ascii:
            return chr(0x2800 + dots)
        if dots.bit_count() >= 6:
            return "#"
        upper, lower = dots & 0x1B, dots & 0xE4
        return ":" if upper and lower else "'" if upper else "."
