"""Shows in the form why a lecture's file can't be used."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

#: What the user can do about it.
LOAD_AGAIN = "Press s or pick the lecture again to load it again."


class BrokenLecture(VerticalScroll):
    """The error with file, line and text, and how to load the lecture again."""

    DEFAULT_CSS = """
    BrokenLecture {
        height: 1fr;
        padding: 0 1;
        & > .problem { color: $text-error; margin-bottom: 1; }
    }
    """

    def compose(self) -> ComposeResult:
        """Leave room for the error, which `show` fills in."""
        yield Static(classes="problem", markup=False)
        yield Static(LOAD_AGAIN, markup=False)

    def show(self, problem: str) -> None:
        """Show what is wrong with the lecture."""
        self.query_one(".problem", Static).update(problem)
        self.scroll_home(animate=False)
