"""Shows one view of a model: draws it, steps through it, and passes queries to its probe."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from tui_app.app.app_interface import AppInterface
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.drawing_pad import DrawingPad
from tui_app.app.widgets.view_area import ViewArea
from tui_app.drawing.table import wrapped
from tui_app.monitoring.live_view import LiveView
from tui_app.monitoring.static_view import StaticView
from tui_app.views import places
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probe_runner import Snapshot


_OTHERS = "[ ] v other views"


class ViewPage(Vertical):
    """Uses only what all views have in common; remembers the place in each."""

    DEFAULT_CSS = """
    ViewPage {
        height: 1fr;
        & > Horizontal { height: 1fr; }
        & DrawingPad { display: none; margin-right: 1; }
        & > Input { display: none; background: $boost; padding: 0 1; }
        & > .hint { height: 1; color: $text-muted; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,p", "go('left')", "Previous place", show=False),
        Binding("right,n", "go('right')", "Next place", show=False),
        Binding("up", "go('up')", "Place above", show=False),
        Binding("down", "go('down')", "Place below", show=False),
        Binding("shift+left", "go('shift+left')", "A little less", show=False),
        Binding("shift+right", "go('shift+right')", "A little more", show=False),
        Binding("shift+up", "go('shift+up')", "A little more", show=False),
        Binding("shift+down", "go('shift+down')", "A little less", show=False),
        Binding("pagedown", "go('pagedown')", "Ten places on", show=False),
        Binding("pageup", "go('pageup')", "Ten places back", show=False),
        Binding("home", "go('home')", "The first place", show=False),
        Binding("end", "go('end')", "The last place", show=False),
        Binding("enter", "enter", "Zoom, type", show=False),
        Binding("escape", "back", "Back", show=False),
    ]

    app: AppInterface

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._name = ""
        self._view: View | None = None
        self._opened: LiveView | StaticView | None = None
        self._snapshot: Snapshot | None = None
        self._drawn: tuple[Any, Frame, bool] | None = None
        self._places: dict[str, int] = {}
        self._queries: dict[str, str] = {}
        self._is_zoomed = False
        self._awaits_answer = False

    def compose(self) -> ComposeResult:
        """Create the pad beside the view, an input for a query, and a line with the keys."""
        with Horizontal():
            yield DrawingPad()
            yield ViewArea()
        yield Input(compact=True)
        yield Static(classes="hint", markup=False)

    def reset(self) -> None:
        """Begin every view at its first place, for another model."""
        if self._opened is not None:
            self._opened.cancel_probe()
        self._places.clear()
        self._queries.clear()
        self.query_one(DrawingPad).wipe()
        self._view = self._opened = self._snapshot = None

    def show(self, name: str, opened: LiveView | StaticView) -> None:
        """Show this view. The last picture of the same view stays until there is a new one."""
        if name != self._name or self._view is None:
            self._name, self._view, self._is_zoomed = name, opened.view, False
            self._snapshot = None
            self._arrange(opened.view)
            self.show_message("Computing the view ...")
        if self._opened is not None and self._opened is not opened:
            self._opened.cancel_probe()
        self._opened = opened
        opened.set_query(self._queries.get(name, ""))
        self.poll()

    def _arrange(self, view: View) -> None:
        """Show the pad or the input, if the view uses one."""
        pad, line, area = (
            self.query_one(DrawingPad),
            self.query_one(Input),
            self.query_one(ViewArea),
        )
        had_focus = self.has_focus_within
        pad.display, line.display = view.takes_drawing, bool(view.query_hint)
        line.placeholder, line.value = view.query_hint, self._queries.get(self._name, "")
        if had_focus:
            (pad if view.takes_drawing else area).focus()

    def show_message(self, sentence: str) -> None:
        """Show a message in the view's place."""
        area = self.query_one(ViewArea)
        self._drawn = None
        area.show(wrapped(sentence, max(20, area.size.width), area.pen))
        self.query_one(".hint", Static).update(_OTHERS if self._view is not None else "")

    def poll(self) -> Snapshot | None:
        """Show the newest snapshot; return it once there is one of the model that is shown now."""
        if self._opened is None:
            return None
        has_news = self._opened.poll()
        self._snapshot = self._opened.snapshot or self._snapshot
        if has_news and self._awaits_answer:
            self._go_to_answer()
        if self._opened.problem:
            self._snapshot = None
            self.show_message(self._opened.problem)
        elif self._snapshot is None and self._opened.progress:
            self.show_message(f"Computing the view: {self._opened.progress} ...")
        self._draw()
        return self._opened.snapshot

    def on_resize(self) -> None:
        """Redraw for the new size."""
        self.call_after_refresh(self._draw)

    @while_drawable
    def _draw(self) -> None:
        view, opened, area = self._view, self._opened, self.query_one(ViewArea)
        if view is None or opened is None or self._snapshot is None or not area.size:
            return
        if view.takes_drawing:
            self.query_one(DrawingPad).fit(self.size.width // 2, self.size.height - 4)
        found = self._snapshot.found
        frame = self._frame(view, found)
        if self._drawn is None or not (
            self._drawn[0] is found and self._drawn[1:] == (frame, self._is_zoomed)
        ):
            self._drawn = (found, frame, self._is_zoomed)
            is_new = opened.snapshot is self._snapshot
            draw = opened.lines if is_new else partial(view.lines, found)
            area.show(draw(frame, zoomed=self._is_zoomed))
            self.query_one(".hint", Static).update(self._hint(view, found, frame))

    def _frame(self, view: View, found: Any) -> Frame:
        """The frame to draw in, at the place that the user stepped to."""
        area = self.query_one(ViewArea)
        frame = Frame(area.size.width, area.size.height, area.pen)
        last = max(0, view.place_count(found, frame) - 1)
        return replace(frame, at=min(self._places.get(self._name, 0), last))

    def _hint(self, view: View, found: Any, frame: Frame) -> Text:
        parts, place = [], places.place_label(view, found, frame)
        if view.takes_drawing:
            parts.append("draw with the mouse, or with arrows and space; c clears")
        if view.query_after_key is not None:
            parts.append("arrows move, with shift a little; Home restarts")
        elif place:
            parts.append(f"{'↑ ↓' if view.scrolls else '← →'} {place}")
        if view.draw_zoomed is not None and frame.at:
            parts.append("Enter: back" if self._is_zoomed else "Enter: zoom in")
        if view.query_hint:
            parts.append("Enter: type")
        parts.append(_OTHERS)
        return Text(" · ".join(parts), no_wrap=True, overflow="ellipsis")

    # Actions

    def action_go(self, key: str) -> None:
        """Step to another place, or change the query by a key."""
        view, snapshot = self._view, self._snapshot
        if view is None or snapshot is None or not view.can_draw(snapshot.found):
            return
        found = snapshot.found
        if view.query_after_key is not None:
            self._set_query(view.query_after_key(found, self._queries.get(self._name, ""), key))
            return
        frame = self._frame(view, found)
        self._places[self._name] = places.place_after_key(view, found, frame, key)
        self._draw()

    def on_view_area_clicked(self, message: ViewArea.Clicked) -> None:
        """Go to the clicked place; another click zooms in, and out again."""
        message.stop()
        if self._view is None or self._drawn is None or not self._view.can_draw(self._drawn[0]):
            return
        view, (found, frame, _) = self._view, self._drawn
        if self._is_zoomed:
            self.action_enter()
        elif view.place_at is not None:
            place = view.place_at(found, frame, message.column, message.row)
            if place is not None and place == frame.at:
                self.action_enter()
            elif place is not None:
                self._places[self._name] = place
                self._draw()

    def action_enter(self) -> None:
        """Zoom in or out, or type a query."""
        view = self._view
        if view is not None and view.draw_zoomed is not None and self._snapshot is not None:
            at = self._frame(view, self._snapshot.found).at
            self._is_zoomed = not self._is_zoomed and bool(at)
            self._draw()
        elif view is not None and view.query_hint:
            self.query_one(Input).focus()

    def action_back(self) -> None:
        """Zoom out, and leave the input."""
        self._is_zoomed = False
        self.query_one(ViewArea).focus()
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave Escape to the screen while there is nothing to zoom out of or leave."""
        return action != "back" or self._is_zoomed or self.query_one(Input).has_focus

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pass the typed query to the probe."""
        event.stop()
        self._set_query(event.value)

    def on_drawing_pad_drawn(self, message: DrawingPad.Drawn) -> None:
        """Pass the drawing to the probe."""
        message.stop()
        self._set_query(message.text)

    def _set_query(self, text: str) -> None:
        self._queries[self._name], self._awaits_answer = text, True
        if self._opened is not None:
            self._opened.set_query(text)
            self.poll()
            self.app.update_soon()

    def _go_to_answer(self) -> None:
        """Go to the place that answers the query, if there is one."""
        view, snapshot = self._view, self._snapshot
        if view is None or snapshot is None or view.answered_place is None:
            return
        place = view.answered_place(snapshot.found)
        if place is not None:
            self._places[self._name], self._awaits_answer = place, False
