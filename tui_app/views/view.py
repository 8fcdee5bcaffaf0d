"""Declares what a view is: a picture of a probe's result, drawn into a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rich.text import Text

from tui_app.drawing.pen import Pen
from tui_app.drawing.table import wrapped
from tui_app.inspection.probes import load_probe
from tui_app.text.ascii_signs import in_ascii
from tui_app.text.cells import cut

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import Probe
    from tui_app.inspection.probes.traits import Traits


@dataclass(frozen=True)
class Frame:
    """What a view is drawn in: so many columns and rows, with a pen.

    `at` is the place that the user has stepped to (a sample, a node, a layer), from 0. In a view
    with an overview 0 is the overview, and the places are numbered from 1.
    """

    columns: int
    rows: int
    pen: Pen = field(default_factory=Pen)
    at: int = 0


#: Turns what was found into lines that fit the frame.
Draw = Callable[[Any, Frame], list[Text]]


def _nowhere(found: Any) -> int:
    return 0


def _one(found: Any) -> int:
    return 1


def _always(found: Any) -> bool:
    return True


def _the_later(earlier: Any, later: Any) -> Any:
    return later


@dataclass(frozen=True)
class View:
    """A picture of what a probe found.

    What it shows:

    - `probe` is the name of a file in tui_app.inspection.probes.
    - `draw` returns at most as many rows as the frame has, each at most as wide as the frame. In a
      view that `scrolls` it returns all lines, and the frame shows some of them.
    - `accepts` says whether the view can draw what was found; where it can't, and where the probe
      found None, `unavailable_text` stands in the view's place.
    - `merge` combines two results of a run that trains, the earlier and the later one. Most views
      show the later one.
    - `suits` says for which models and data the view is offered. A view that `is_example` shows an
      example and nothing of the model: only a lecture that names it offers it.

    Its places:

    - `places` counts the places to step through; `place_noun` is what one is called.
    - `places_per_row` is how many of them lie side by side.
    - With an `overview`, place 0 shows `all` places together, or everything up to the `last` one.
    - `draw_zoomed` draws one place alone.
    - `place_at` returns the place at a column and row of the picture, for a click there.

    What the user may ask of it, the query:

    - `query_hint` says what to type; empty where there is nothing to type.
    - `query_after_key` returns the query after an arrow key, from what was found, the query and
      the key.
    - `takes_drawing` says that the query is a drawing, in the form that probes/drawing.py reads.
    - `answered_place` returns the place that answers the query.
    """

    title: str
    probe: str
    draw: Draw
    places: Callable[[Any], int] = _nowhere
    place_noun: str = ""
    query_hint: str = ""
    overview: Literal["", "all", "last"] = ""
    scrolls: bool = False
    answered_place: Callable[[Any], int | None] | None = None
    places_per_row: Callable[[Any], int] = _one
    draw_zoomed: Draw | None = None
    query_after_key: Callable[[Any, str, str], str] | None = None
    takes_drawing: bool = False
    merge: Callable[[Any, Any], Any] = _the_later
    accepts: Callable[[Any], bool] = _always
    unavailable_text: str = ""
    place_at: Callable[[Any, Frame, int, int], int | None] | None = None
    suits: Callable[[Traits], bool] = _always
    is_example: bool = False

    def can_draw(self, found: Any) -> bool:
        """Whether there is anything to draw of what was found."""
        return found is not None and self.accepts(found)

    def place_count(self, found: Any, frame: Frame) -> int:
        """How many places there are to step through, the overview included; in a view that
        scrolls, how many lines can be the first one.
        """
        if not self.can_draw(found):
            return 0
        if self.scrolls:
            return max(1, len(self.draw(found, frame)) - frame.rows + 1)
        return self.places(found)

    def lines(self, found: Any, frame: Frame, *, zoomed: bool = False) -> list[Text]:
        """The picture, cut to the frame; with `zoomed` of the place alone."""
        if not self.can_draw(found):
            return wrapped(self.unavailable_text, frame.columns, frame.pen)[: frame.rows]
        draw = self.draw_zoomed if zoomed and self.draw_zoomed is not None else self.draw
        lines = draw(found, frame)
        if self.scrolls:
            lines = lines[max(0, min(frame.at, len(lines) - frame.rows)) :]
        lines = [cut(line, frame.columns) for line in lines[: frame.rows]]
        for line in lines:
            if frame.pen.ascii:
                line.plain = in_ascii(line.plain, keep_wide=True)
        return lines

    def load_probe(self) -> Probe:
        """The probe of this view. Imports torch."""
        return load_probe(self.probe)
