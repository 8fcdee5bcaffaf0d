"""Several runs from their folders, compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_app.following.in_folder import RunInFolder
from tui_app.following.run_table import RunRow, differing
from tui_app.widgets.comparison import Comparison
from tui_app.widgets.drawable import while_drawable
from tui_app.widgets.key_bar import KeyBar


class CompareScreen(Screen[None]):
    """Their curves and what differs between them."""

    DEFAULT_CSS = """
    CompareScreen > Comparison { border: round $border; border-title-color: $text; padding: 0 1; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,c,backspace", "app.pop_screen", "Back", key_display="esc"),
        Binding("m", "chart('metric')", "Metric"),
        Binding("g", "chart('log')", "Log scale"),
        Binding("a", "chart('axis')", "x axis"),
        Binding("plus,equals_sign", "chart('smooth', 1)", "Smoother", key_display="+"),
        Binding("minus,underscore", "chart('smooth', -1)", "Rougher", key_display="-"),
    ]

    def __init__(self, rows: Sequence[RunRow]) -> None:
        super().__init__()
        names = differing(rows)
        self._runs = [(_label(row, names, rows), RunInFolder(row.folder)) for row in rows]

    def compose(self) -> ComposeResult:
        """The comparison alone."""
        yield Comparison()
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to read."""
        comparison = self.query_one(Comparison)
        comparison.border_title = f"{len(self._runs)} runs compared"
        comparison.follow(self._runs)
        comparison.focus()
        self.call_after_refresh(self.draw)

    @property
    def is_watching(self) -> bool:
        """Whether more may come."""
        return not all(run.is_over for _, run in self._runs)

    @property
    def is_reading(self) -> bool:
        """Whether what was recorded is still being read."""
        return any(run.stage for _, run in self._runs)

    @while_drawable
    def draw(self) -> None:
        """Read on, and show it."""
        if any([run.poll() for _, run in self._runs]):  # noqa: C419  each must be polled
            self.query_one(Comparison).follow(self._runs)

    def action_chart(self, act: str, *arguments: int) -> None:
        """Pass an act on to the comparison."""
        getattr(self.query_one(Comparison), f"action_{act}")(*arguments)


def _label(row: RunRow, names: Sequence[str], rows: Sequence[RunRow]) -> str:
    """What sets a run apart: its lecture and data where those differ, its settings, or its time."""
    parts = [f"{name}={row.settings.get(name, '-')}" for name in names]
    if len({(other.summary.lecture, other.summary.dataset) for other in rows}) > 1:
        parts.insert(0, f"{row.summary.lecture.removeprefix('lecture_')} {row.summary.dataset}")
        parts = parts[:3]  # of different lectures nearly everything differs
    return " ".join(parts) or row.folder.path.name
