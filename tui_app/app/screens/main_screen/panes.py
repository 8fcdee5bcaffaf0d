"""Chooses which panes of the main screen are visible, and which one has the focus."""

from __future__ import annotations

from textual.events import DescendantFocus
from textual.widget import Widget

from tui_app.app.messages import PaneChosen
from tui_app.app.screens.advice import AdviceScreen
from tui_app.app.widgets.model_pane import ModelPane
from tui_app.app.widgets.nav_bar import NavBar

PANES = (
    ("lectures", "Lectures"),
    ("lesson", "Lesson"),
    ("settings", "Settings"),
    ("training", "Training"),
    ("log", "Log"),
    ("runs", "Runs"),
    ("model", "Model"),
)

#: The panes that share a place in a layout of two columns, and of three.
_IN_TWO, _IN_THREE = ("lesson", "training", "model"), ("lesson", "model")


class PaneScreen(AdviceScreen):
    """Chooses a pane by its number, by a click on its name, or as the focus moves."""

    def choose_pane(self, pane: str) -> None:
        """Show a pane and focus it."""
        if pane == "runs":
            self.app.open_runs()
            return
        self.app.clear_notifications()  # the notice was about another pane
        for widget in self.query(".pane"):
            self._mark(widget, "-chosen", on=widget.id == pane)
        self._bring_forward(pane)
        self.query_one(NavBar).select(pane)
        self._focus_in(self.query_one(f"#{pane}"))
        self.call_after_refresh(self.draw)

    def open_view(self, name: str) -> None:
        """Show a view in the Model pane."""
        self.choose_pane("model")
        self.query_one(ModelPane).open_view(name)

    def _bring_forward(self, pane: str) -> None:
        """Show a pane in front of those that share its place."""
        for place, name in ((_IN_TWO, "-behind"), (_IN_THREE, "-covered")):
            if pane in place:
                for other in place:
                    self._mark(self.query_one(f"#{other}"), name, on=other != pane)

    def draw(self) -> None:
        """Update the visible panes."""
        raise NotImplementedError

    def _mark(self, widget: Widget, name: str, *, on: bool) -> None:
        """Set a class whose rules style the pane alone, not its children.

        Textual would apply all rules to every child again, which takes longer than a frame.
        """
        if widget.has_class(name) != on:
            widget.set_class(on, name, update=False)
            self.app.stylesheet.update_nodes([widget])

    def _focus_in(self, pane: Widget) -> None:
        if not pane.has_focus_within:
            first = next((w for w in [pane, *pane.query("*")] if w.focusable and w.display), None)
            self.set_focus(first)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Mark the pane that has the focus."""
        for pane in self.query(".pane"):
            is_in = pane in event.widget.ancestors_with_self
            self._mark(pane, "-focused", on=is_in)
            if is_in:
                self.query_one(NavBar).select(str(pane.id))
        self._dim_numbers()
        self.refresh_bindings()

    def on_descendant_blur(self) -> None:
        """Dim the numbers by the field that has the focus now."""
        self._dim_numbers()

    def _dim_numbers(self) -> None:
        """Dim the panes' numbers while a digit would be typed into a field."""
        focused = self.focused
        self.query_one(NavBar).dim(focused is not None and focused.check_consume_key("1", "1"))

    def on_pane_chosen(self, message: PaneChosen) -> None:
        """Show the pane whose name was clicked."""
        self.choose_pane(message.pane)

    def action_pane(self, pane: str) -> None:
        """Show the pane whose number was pressed."""
        self.choose_pane(pane)

    def on_resize(self) -> None:
        """Put the settings beside the lectures in a layout of three columns."""
        panes, settings = self.query_one("#panes"), self.query_one("#settings")
        before = "#training" if self.app.size.width >= 180 else "#log"
        panes.move_child(settings, before=panes.query_one(before))
        self.set_class(self.app.size.height < 16 or self.app.size.width < 60, "-tiny")
        self.call_after_refresh(self.draw)
