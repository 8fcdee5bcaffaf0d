"""What a view is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tui_app.views.pen import Pen, in_ascii
from tui_app.views.table import wrapped

if TYPE_CHECKING:
    from tui_app.training.snapshot import Probe


@dataclass(frozen=True)
class Frame:
    """What a view is drawn in: so many columns and rows, with a pen.

    `at` is the place that a person has stepped to (a sample, a node, a layer), from 0.
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

    `probe` is the name of a file in tui_app.training.probes; `draw` gives at most the frame's rows,
    each at most as wide as it. `places` says how many places there are to step through, and
    `step` what one is called; `across` is how many of them lie side by side, and `closer` draws one
    of them alone. `asks` says what a person may type, if anything. With `moves` the arrow keys
    change what is asked, which may take a reading of what was found; with `is_drawn` what is asked
    is a drawing, as a pad gives it (see probes/drawing.py). `join` gives what is shown of two looks
    at a run that trains, an earlier one and a later: most show the later. Where the probe found
    None, or nothing that `fits` the view, the sentence `without` stands in its place. `under` gives
    the place at a column and row of the picture, for who clicks there.
    """

    title: str
    probe: str
    draw: Draw
    places: Callable[[Any], int] = _nowhere
    step: str = ""
    asks: str = ""
    across: Callable[[Any], int] = _one
    closer: Draw | None = None
    moves: Callable[[Any, str, str], str] | None = None
    is_drawn: bool = False
    join: Callable[[Any, Any], Any] = _the_later
    fits: Callable[[Any], bool] = _always
    without: str = ""
    under: Callable[[Any, Frame, int, int], int | None] | None = None

    def shows(self, found: Any) -> bool:
        """Whether there is anything to draw of what was found."""
        return found is not None and self.fits(found)

    def place_count(self, found: Any) -> int:
        """How many places there are to step through."""
        return self.places(found) if self.shows(found) else 0

    def lines(self, found: Any, frame: Frame, *, closer: bool = False) -> list[Text]:
        """What `draw` gives, or `closer`, cut to the frame."""
        if not self.shows(found):
            return wrapped(self.without, frame.columns, frame.pen)[: frame.rows]
        draw = self.closer if closer and self.closer is not None else self.draw
        lines = draw(found, frame)[: frame.rows]
        for line in lines:
            line.truncate(frame.columns, overflow="crop")
            if frame.pen.ascii:
                line.plain = in_ascii(line.plain)
        return lines

    def load_probe(self) -> Probe:
        """What looks at the model for this view. Imports torch."""
        from tui_app.training.probes import load_probe

        return load_probe(self.probe)
