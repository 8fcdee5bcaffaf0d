"""Shows help for the focused pane, the screen or the dialog, and the page of all keys."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.table import Table
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Markdown, Static

from tui_app.app.screens.help_texts import ALL_KEYS, HELP
from tui_app.app.screens.keys import keys_table, sections_of, with_keys

_TITLES = {
    "main": "main screen",
    "run": "one run",
    "study": "one study",
    "searchdialog": "search",
    "pickpath": "file or folder",
    "tabledialog": "table",
    "lrfinddialog": "learning rate",
    "folderdialog": "folder of images",
}


def keys_page(screen: Screen[Any]) -> HelpScreen:
    """Return the page of all keys of a screen."""
    return HelpScreen(f"Keys: {_title(screen)}", keys_table(sections_of(screen)))


def help_page(screen: Screen[Any]) -> HelpScreen:
    """Return the help for the focused pane, or for the screen or dialog."""
    return HelpScreen("Help", help_for(screen))


def help_for(screen: Screen[Any]) -> str:
    """Return the help for the focused pane, the screen or the dialog, in Markdown."""
    focused = screen.focused
    names = [] if focused is None else [str(w.id) for w in focused.ancestors_with_self if w.id]
    names += [kind.__name__.removesuffix("Screen").lower() for kind in type(screen).__mro__]
    text = next((HELP[name] for name in names if name in HELP), HELP["lectures"])
    return with_keys(text if screen.is_modal else f"{text}\n\n{ALL_KEYS}", screen)


def _title(screen: Screen[Any]) -> str:
    name = type(screen).__name__.removesuffix("Screen").lower()
    return _TITLES.get(name, name)


class HelpScreen(ModalScreen[None]):
    """A page of help over the screen."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 76; max-width: 96%; height: auto; max-height: 90%;
            border: round $border; border-title-color: $text; background: $surface; padding: 0 1;
        }
        & Markdown { padding: 0; background: $surface; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "app.pop_screen", "Back"),
        Binding("ctrl+q,ctrl+c", "app.quit", "Quit", show=False),
    ]

    def __init__(self, title: str, content: str | Table) -> None:
        super().__init__()
        self._title = title
        self._content = content

    def compose(self) -> ComposeResult:
        """Create the page."""
        with VerticalScroll() as scroll:
            scroll.border_title, scroll.border_subtitle = self._title, "Esc: back"
            yield (
                Markdown(self._content) if isinstance(self._content, str) else Static(self._content)
            )
