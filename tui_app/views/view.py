"""What a view is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rich.text import Text

from tui_app.drawing.pen import Pen
from tui_app.drawing.table import wrapped
from tui_app.text.ascii_signs import in_ascii
from tui_app.text.cells import cut

if TYPE_CHECKING:
    from tui_app.inspection.probe_context import Probe
    from tui_app.inspection.probes.traits import Traits


@dataclass(frozen=True)
class Frame:
    """What a view is drawn in: so many columns and rows, with a pen.

    `at` is the place that the user has stepped to (a sample, a node, a layer), from 0. In a view
    that has a whole, 0 is that, and the places are numbered from 1.
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

    `probe` is the name of a file in tui_app.inspection.probes; `draw` gives at most the frame's
    rows, each at most as wide as it; in a view that `scrolls` it gives all lines there are,
    whatever the frame's rows. `places` says how many places there are to step through, and `step`
    what one is called; `across` is how many of them lie side by side, and `closer` draws one of
    them alone. With `whole` place 0 shows everything: `all` places together, or all up to the
    `last` one. `asks` says what the user may type, if anything; `answered` gives the place of the
    newest answer.
    With `moves` the arrow keys
    change what is asked, which may take a reading of what was found; with `is_drawn` what is asked
    is a drawing, as a pad gives it (see probes/drawing.py). `join` gives what is shown of two looks
    at a run that trains, an earlier one and a later: most show the later. Where the probe found
    None, or nothing that `fits` the view, the sentence `without` stands in its place. `under` gives
    the place at a column and row of the picture, for who clicks there.

    `suits` says of which models and data the view can be had at all. One that `is_example` shows an
    example of a lecture and nothing of the model: it is offered where the lecture names it.
    """

    title: str
    probe: str
    draw: Draw
    places: Callable[[Any], int] = _nowhere
    step: str = ""
    asks: str = ""
    whole: Literal["", "all", "last"] = ""
    scrolls: bool = False
    answered: Callable[[Any], int | None] | None = None
    across: Callable[[Any], int] = _one
    closer: Draw | None = None
    moves: Callable[[Any, str, str], str] | None = None
    is_drawn: bool = False
    join: Callable[[Any, Any], Any] = _the_later
    fits: Callable[[Any], bool] = _always
    without: str = ""
    under: Callable[[Any, Frame, int, int], int | None] | None = None
    suits: Callable[[Traits], bool] = _always
    is_example: bool = False

    def shows(self, found: Any) -> bool:
        """Whether there is anything to draw of what was found."""
        return found is not None and self.fits(found)

    def place_count(self, found: Any, frame: Frame) -> int:
        """How many places there are to step through, the whole counted in; in a view that scrolls,
        the lines that can be the first one.
        """
        if not self.shows(found):
            return 0
        if self.scrolls:
            return max(1, len(self.draw(found, frame)) - frame.rows + 1)
        return self.places(found)

    def lines(self, found: Any, frame: Frame, *, closer: bool = False) -> list[Text]:
        """What `draw` gives, or `closer`, cut to the frame."""
        if not self.shows(found):
            return wrapped(self.without, frame.columns, frame.pen)[: frame.rows]
        draw = self.closer if closer and self.closer is not None else self.draw
        lines = draw(found, frame)
        if self.scrolls:
            lines = lines[max(0, min(frame.at, len(lines) - frame.rows)) :]
        lines = [cut(line, frame.columns) for line in lines[: frame.rows]]
        for line in lines:
            if frame.pen.ascii:
                line.plain = in_ascii(line.plain, keep_wide=True)
        return lines

    def load_probe(self) -> Probe:
        """What looks at the model for this view. Imports torch."""
        from tui_app.inspection.probes import load_probe  # puts off torch

        return load_probe(self.probe)
