"""One view of one model: drawn, stepped through, asked."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.drawing_pad import DrawingPad
from tui_app.app.widgets.view_area import ViewArea
from tui_app.drawing.table import wrapped
from tui_app.monitoring.live_view import LiveView
from tui_app.monitoring.static_view import StaticView
from tui_app.views import places
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.app.app import TutorchApp
    from tui_app.inspection.probe_runner import Snapshot


_OTHERS = "[ ] v other views"


class ViewPage(Vertical):
    """Knows of a view only what views have in common; remembers where one was in each."""

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
        Binding("left,p", "go('left')", "Place before", show=False),
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
        Binding("enter", "enter", "Closer, or type", show=False),
        Binding("escape", "back", "Back", show=False),
    ]

    app: TutorchApp

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._name = ""
        self._view: View | None = None
        self._looking: LiveView | StaticView | None = None
        self._snapshot: Snapshot | None = None
        self._drawn: tuple[Any, Frame, bool] | None = None
        self._places: dict[str, int] = {}
        self._asks: dict[str, str] = {}
        self._is_close = False
        self._is_asked = False

    def compose(self) -> ComposeResult:
        """The pad beside the view, a line to type, and the keys."""
        with Horizontal():
            yield DrawingPad()
            yield ViewArea()
        yield Input(compact=True)
        yield Static(classes="hint", markup=False)

    def reset(self) -> None:
        """Another model: every view begins at its beginning."""
        if self._looking is not None:
            self._looking.cancel_probe()
        self._places.clear()
        self._asks.clear()
        self.query_one(DrawingPad).wipe()
        self._view = self._looking = self._snapshot = None

    def show(self, name: str, looking: LiveView | StaticView) -> None:
        """Show what `looking` sees; of the same view, the last picture stays until there is one."""
        if name != self._name or self._view is None:
            self._name, self._view, self._is_close = name, looking.view, False
            self._snapshot = None
            self._arrange(looking.view)
            self.show_message("Computing the view ...")
        if self._looking is not None and self._looking is not looking:
            self._looking.cancel_probe()
        self._looking = looking
        looking.set_query(self._asks.get(name, ""))
        self.poll()

    def _arrange(self, view: View) -> None:
        """The pad or the line to type, where the view has one."""
        pad, line, area = (
            self.query_one(DrawingPad),
            self.query_one(Input),
            self.query_one(ViewArea),
        )
        had_focus = self.has_focus_within
        pad.display, line.display = view.takes_drawing, bool(view.query_hint)
        line.placeholder, line.value = view.query_hint, self._asks.get(self._name, "")
        if had_focus:
            (pad if view.takes_drawing else area).focus()

    def show_message(self, sentence: str) -> None:
        """Show a sentence in the view's place."""
        area = self.query_one(ViewArea)
        self._drawn = None
        area.show(wrapped(sentence, max(20, area.size.width), area.pen))
        self.query_one(".hint", Static).update(_OTHERS if self._view is not None else "")

    def poll(self) -> Snapshot | None:
        """Show the newest there is: the snapshot, once there is one of what is looked at now."""
        if self._looking is None:
            return None
        has_news = self._looking.poll()
        self._snapshot = self._looking.snapshot or self._snapshot
        if has_news and self._is_asked:
            self._go_to_answer()
        if self._looking.problem:
            self._snapshot = None
            self.show_message(self._looking.problem)
        elif self._snapshot is None and self._looking.progress:
            self.show_message(f"Computing the view: {self._looking.progress} ...")
        self._draw()
        return self._looking.snapshot

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    @while_drawable
    def _draw(self) -> None:
        view, looking, area = self._view, self._looking, self.query_one(ViewArea)
        if view is None or looking is None or self._snapshot is None or not area.size:
            return
        if view.takes_drawing:
            self.query_one(DrawingPad).fit(self.size.width // 2, self.size.height - 4)
        found = self._snapshot.found
        frame = self._frame(view, found)
        if self._drawn is None or not (
            self._drawn[0] is found and self._drawn[1:] == (frame, self._is_close)
        ):
            self._drawn = (found, frame, self._is_close)
            is_new = looking.snapshot is self._snapshot
            draw = looking.lines if is_new else partial(view.lines, found)
            area.show(draw(frame, zoomed=self._is_close))
            self.query_one(".hint", Static).update(self._hint(view, found, frame))

    def _frame(self, view: View, found: Any) -> Frame:
        """What is drawn in, at the place that the user stepped to."""
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
            parts.append("Enter: back" if self._is_close else "Enter: zoom in")
        if view.query_hint:
            parts.append("Enter: type")
        parts.append(_OTHERS)
        return Text(" · ".join(parts), no_wrap=True, overflow="ellipsis")

    # Acts

    def action_go(self, key: str) -> None:
        """Step to another place, or move what is asked."""
        view, snapshot = self._view, self._snapshot
        if view is None or snapshot is None or not view.can_draw(snapshot.found):
            return
        found = snapshot.found
        if view.query_after_key is not None:
            self._ask(view.query_after_key(found, self._asks.get(self._name, ""), key))
            return
        frame = self._frame(view, found)
        self._places[self._name] = places.place_after_key(view, found, frame, key)
        self._draw()

    def on_view_area_clicked(self, message: ViewArea.Clicked) -> None:
        """Go to the place that was clicked; at a second click closer, and back."""
        message.stop()
        if self._view is None or self._drawn is None or not self._view.can_draw(self._drawn[0]):
            return
        view, (found, frame, _) = self._view, self._drawn
        if self._is_close:
            self.action_enter()
        elif view.place_at is not None:
            place = view.place_at(found, frame, message.column, message.row)
            if place is not None and place == frame.at:
                self.action_enter()
            elif place is not None:
                self._places[self._name] = place
                self._draw()

    def action_enter(self) -> None:
        """Look closer, or type."""
        view = self._view
        if view is not None and view.draw_zoomed is not None and self._snapshot is not None:
            at = self._frame(view, self._snapshot.found).at
            self._is_close = not self._is_close and bool(at)
            self._draw()
        elif view is not None and view.query_hint:
            self.query_one(Input).focus()

    def action_back(self) -> None:
        """Out of what one went into."""
        self._is_close = False
        self.query_one(ViewArea).focus()
        self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape is the screen's while there is nothing to go out of."""
        return action != "back" or self._is_close or self.query_one(Input).has_focus

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask it."""
        event.stop()
        self._ask(event.value)

    def on_drawing_pad_drawn(self, message: DrawingPad.Drawn) -> None:
        """Ask what it is."""
        message.stop()
        self._ask(message.text)

    def _ask(self, text: str) -> None:
        self._asks[self._name], self._is_asked = text, True
        if self._looking is not None:
            self._looking.set_query(text)
            self.poll()
            self.app.update_soon()

    def _go_to_answer(self) -> None:
        """Show the place of what was asked, where the answer belongs to one."""
        view, snapshot = self._view, self._snapshot
        if view is None or snapshot is None or view.answered_place is None:
            return
        place = view.answered_place(snapshot.found)
        if place is not None:
            self._places[self._name], self._is_asked = place, False
