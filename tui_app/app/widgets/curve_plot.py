"""Draws curves with plotext, as braille lines on axes with round ticks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.text import Text
from textual.color import Color
from textual.message import Message
from textual_plotext import PlotextPlot

from tui_app.app.app_interface import AppInterface
from tui_app.drawing.ticks import WIDTH, count_tick, log_ticks, percent_tick, tick_text, ticks
from tui_app.monitoring.curves.picture import Curve, Picture

#: plotext's number for the colour that terminals call bright black.
_GREY = 8


class CurvePlot(PlotextPlot):
    """Draws the picture last given to `show`."""

    DEFAULT_CSS = """
    CurvePlot {
        width: 1fr;
        height: 1fr;
        color: $text-muted;
    }
    """

    app: AppInterface

    @dataclass
    class Pointed(Message):
        """The mouse was clicked at the share `share` of the x axis."""

        share: float

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.theme = "clear"  # the widget has its own colours
        self.picture = Picture()

    def show(self, picture: Picture) -> None:
        """Draw this picture."""
        self.picture = picture
        self.refresh()

    @property
    def columns(self) -> int:
        """The columns that the curves span."""
        return max(10, self.size.width - WIDTH - 2)

    def render(self) -> Text:
        """Draw the picture, or its text while there is nothing to draw."""
        if self.picture.empty or self.size.height < 4 or self.size.width < 20:
            return _centred(self.picture.empty, self.size.height)
        self._draw()
        drawn = super().render()
        assert isinstance(drawn, Text)
        drawn.no_wrap = True
        return drawn

    def on_click(self, event) -> None:
        """Post where the mouse was clicked."""
        share = (event.x - WIDTH - 1) / max(1, self.columns - 1)
        self.post_message(self.Pointed(min(1.0, max(0.0, share))))

    def _draw(self) -> None:
        plot, picture = self.plt, self.picture
        plot.clear_figure()
        low, high = picture.range()
        self._axes(low, high)
        for level in picture.levels:
            y = float(picture.scaled(np.array([level.y]))[0])
            plot.plot(
                [0, picture.end], [y, y], marker="." if self.app.in_ascii else "┄", color=_GREY
            )
        for change in picture.changes:
            plot.vline(change, self._colour("series-5"))
        order = {"faint": 0, "line": 1, "dots": 2}
        for curve in sorted(picture.curves, key=lambda curve: order[curve.style]):
            self._curve(curve, low, high)
        if picture.best is not None:
            x, y = picture.best[0], float(picture.scaled(np.array([picture.best[1]]))[0])
            best = "*" if self.app.in_ascii else "◆"
            self._marks(np.array([x]), np.array([y]), best, self._colour("series-2"), low, high)
        if picture.cursor is not None:
            plot.vline(picture.cursor * picture.end, "default")

    def _curve(self, curve: Curve, low: float, high: float) -> None:
        y = self.picture.scaled(curve.y)
        seen = np.isfinite(y)
        if curve.style == "faint":
            y = np.clip(y, low, high)
        x, y = curve.x[seen], y[seen]
        if not len(x):
            return
        marker = (
            "braille"
            if not self.app.in_ascii
            else {"line": "#", "faint": ".", "dots": "o"}[curve.style]
        )
        colour = self._colour(curve.colour, faint=curve.style == "faint")
        if curve.style == "dots" and len(x) <= self.columns // 4:
            self.plt.plot(x.tolist(), y.tolist(), marker=marker, color=colour)
            dot = "o" if self.app.in_ascii else "•"
            self._marks(x, y, dot, colour, low, high)
        else:
            self.plt.plot(x.tolist(), y.tolist(), marker=marker, color=colour)

    def _marks(
        self, x: np.ndarray, y: np.ndarray, sign: str, colour: Any, low: float, high: float
    ) -> None:
        """Draw a sign at each point, in the same cell as the braille line through it."""
        if not self.app.in_ascii:
            x = to_braille_cells(x, 0, self.picture.end, self.size.width - WIDTH - 1, 2)
            y = to_braille_cells(y, low, high, self.size.height - 2, 4)
        self.plt.scatter(x.tolist(), y.tolist(), marker=sign, color=colour)

    def _axes(self, low: float, high: float) -> None:
        plot, picture = self.plt, self.picture
        rows = max(3, self.size.height // 3)
        places = log_ticks(low, high, rows) if picture.log else ticks(low, high, rows)
        label: Callable[[float], str] = percent_tick if picture.is_share else tick_text
        texts = [label(10**place if picture.log else place) for place in places]
        plot.yticks(places, [f"{text:>{WIDTH}}" for text in texts])
        plot.ylim(low, high)
        xs = ticks(0, picture.end, max(2, self.columns // 14))
        plot.xticks(xs, [count_tick(x) for x in xs])
        plot.xlim(0, picture.end)
        plot.xaxes(True, False)
        plot.yaxes(True, False)

    def _colour(self, name: str, *, faint: bool = False) -> tuple[int, int, int] | int:
        """A theme variable as plotext's colour: a number for one of the terminal's own colours."""
        value = self.app.theme_variables.get(name, "")
        if value.startswith("ansi_"):
            return _GREY if faint else _ANSI.get(value.removeprefix("ansi_"), 7)
        colour = Color.parse(value or "white")
        if faint:
            behind = self.background_colors[1]
            colour = Color(*behind.rgb).blend(colour, 0.4)
        return colour.rgb


_ANSI = {
    name: number
    for number, name in enumerate(
        ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
    )
} | {
    f"bright_{name}": number + 8
    for number, name in enumerate(
        ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
    )
}


def to_braille_cells(
    values: np.ndarray, low: float, high: float, cells: int, dots: int
) -> np.ndarray:
    """Move values on an axis of so many cells to the cells in which plotext draws their braille
    dots, `dots` to a cell. It rounds a sign's position differently, by up to a cell.
    """
    share = (values - low) / ((high - low) or 1.0)
    cell = np.floor(0.5 + (dots * cells - 1) * share) // dots
    return low + cell / max(1, cells - 1) * (high - low)


def _centred(sentence: str, height: int) -> Text:
    return Text("\n" * max(0, height // 2 - 1) + sentence, justify="center")
