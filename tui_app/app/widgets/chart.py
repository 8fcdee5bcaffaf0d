"""Draws the chart of a run: loss and accuracy, one above the other if there is room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_app.app.widgets.adjustable_chart import AdjustableChart, chart_bindings
from tui_app.app.widgets.curve_plot import CurvePlot
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.text_line import TextLine
from tui_app.monitoring.curves.picture import Picture
from tui_app.monitoring.curves.readings import read_off
from tui_app.monitoring.curves.run_curves import RunCurves
from tui_app.monitoring.history import History
from tui_app.text.quantities import format_number, short_loss

#: The least height for loss and accuracy one above the other.
_HEIGHT_OF_BOTH = 19


class Chart(AdjustableChart):
    """The curves of a history, redrawn by `draw`."""

    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        min-height: 6;
        & > .legend { color: $text-muted; }
        & > #accuracy-plot, & > #accuracy-legend { display: none; }
        &.-both > #accuracy-plot, &.-both > #accuracy-legend { display: block; }
        &.-accuracy > #accuracy-plot, &.-accuracy > #accuracy-legend { display: block; }
        &.-accuracy > #loss-plot, &.-accuracy > #loss-legend { display: none; }
        &.-both > #loss-plot { height: 3fr; }
        &.-both > #accuracy-plot { height: 2fr; }
        &:focus > #axis { color: $text; background: $boost; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *chart_bindings(["smooth(1)", "smooth(-1)"], show=False),
        Binding("left", "move(-1)", "Read off", show=False),
        Binding("right", "move(1)", "Read off", show=False),
        Binding("shift+left,home", "move(-10)", "Read off", show=False),
        Binding("shift+right,end", "move(10)", "Read off", show=False),
        Binding("escape", "no_cursor", "No cursor", show=False),
    ]

    def __init__(self, curves: RunCurves | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._curves = curves or RunCurves(History())

    def compose(self) -> ComposeResult:
        """Create a legend and a plot each for loss and accuracy, and the caption of the x axis."""
        yield TextLine(id="loss-legend", classes="legend")
        yield CurvePlot(id="loss-plot")
        yield TextLine(id="accuracy-legend", classes="legend")
        yield CurvePlot(id="accuracy-plot")
        yield TextLine(id="axis", classes="legend")

    def follow(self, history: History) -> None:
        """Show this history from now on."""
        self._curves = RunCurves(history)
        self.view = replace(self.view, cursor=None)
        self.draw()

    @while_drawable
    def draw(self) -> None:
        """Draw the history as it is now."""
        curves, view = self._curves, self.view
        has_both = (
            curves.has_accuracy and view.panels == "both" and self.size.height >= _HEIGHT_OF_BOTH
        )
        self.set_class(has_both, "-both")
        self.set_class(view.panels == "accuracy" and curves.has_accuracy, "-accuracy")
        loss, accuracy = (
            self.query_one("#loss-plot", CurvePlot),
            self.query_one("#accuracy-plot", CurvePlot),
        )
        if not self.has_class("-accuracy"):
            picture = curves.loss(view, loss.columns)
            loss.show(picture)
            self._write_legend("#loss-legend", "loss", picture)
        if self.has_class("-accuracy") or has_both:
            picture = curves.accuracy(view, accuracy.columns)
            accuracy.show(picture)
            self._write_legend("#accuracy-legend", "accuracy", picture)
        self.query_one("#axis", TextLine).show(self._caption())

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Escape to the screen while there is no cursor to remove."""
        return action != "no_cursor" or self.view.cursor is not None

    def action_panels(self) -> None:
        """Show loss and accuracy, or one of them."""
        order = ("both", "loss", "accuracy")
        following = order[(order.index(self.view.panels) + 1) % 3]
        self.view = replace(self.view, panels=following)

    def action_move(self, by: int) -> None:
        """Move the cursor by columns."""
        columns = self.query_one("#loss-plot", CurvePlot).columns
        cursor = 1.0 if self.view.cursor is None else self.view.cursor + by / columns
        self.view = replace(self.view, cursor=min(1.0, max(0.0, cursor)))

    def action_no_cursor(self) -> None:
        """Remove the cursor."""
        self.view = replace(self.view, cursor=None)

    def on_curve_plot_pointed(self, message: CurvePlot.Pointed) -> None:
        """Move the cursor to the mouse."""
        self.view = replace(self.view, cursor=message.share)

    # Legends and caption

    def _write_legend(self, where: str, title: str, picture: Picture) -> None:
        facts, text = self._curves.history.info, Text(no_wrap=True, overflow="ellipsis")
        reduction = f" ({facts.reduction})" if facts and facts.reduction else ""
        text.append(title, "bold")
        text.append(reduction if title == "loss" else "")
        for curve in picture.curves:
            if curve.style != "faint":
                text.append(
                    "  ━ " if curve.style == "line" else "  • ", self._colour_of(curve.colour)
                )
                text.append(curve.label)
        best = self._curves.history.best
        if picture.best is not None and best is not None:
            value = format_number(best.metric, best.value)
            if title == "loss":
                value = short_loss(best.value)
            text.append("  ◆ ", self._colour_of("series-2"))
            text.append(f"best {value} at epoch {best.epoch}")
        for level in picture.levels:
            text.append(f"  ┄ {level.label}")
        self.query_one(where, TextLine).show(text)

    def _caption(self) -> Text:
        view = self.view
        if view.cursor is not None:
            reading = read_off(self._curves, view)
            return Text(f"  {reading}", no_wrap=True, overflow="ellipsis")
        smoothing = "not smoothed" if view.span == 1 else f"smoothed over {view.span} steps"
        scale = ", logarithmic" if view.log else ""
        axis = {"step": "step", "epoch": "epoch", "seconds": "seconds of training"}[view.axis]
        return Text(f"  {axis} ·  loss {smoothing}{scale}", no_wrap=True, overflow="ellipsis")

    def _colour_of(self, colour: str) -> str:
        value = self.app.theme_variables.get(colour, "")
        return value.removeprefix("ansi_") if value.startswith("ansi_") else value or "none"
