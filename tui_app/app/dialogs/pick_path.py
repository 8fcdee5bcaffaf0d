"""Lets the user pick a table or a folder of images: a path to type, above a list of files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label

from datasets.reading.paths import user_path
from tui_app.app.dialogs.dialog import Dialog
from tui_app.app.messages import FolderListed
from tui_app.app.own_data.folder_listing import Entry, Listing, list_folder
from tui_app.app.own_data.reading_thread import ReadingThread, Stopped
from tui_app.app.widgets.entry_list import EntryList
from tui_app.app.widgets.line_list import LineList
from tui_app.app.widgets.path_input import PathInput
from tui_app.app.widgets.text_line import TextLine
from tui_app.text.escaping import printable
from tui_app.text.quantities import counted

_UP, _THIS = Entry("..", "up"), Entry(".", "this")

_TITLES = {"csv": "Choose a table", "folder": "Choose a folder of images, one folder a class"}

_KEYS = "Enter: OK · Tab: complete · ^T: all files · Esc: cancel"


class PickPath(Dialog):
    """Returns the path of a table (`kind` is `csv`) or of a folder of images (`folder`), or None.

    `start` is the folder that is shown first.
    """

    DEFAULT_CSS = """
    PickPath {
        align: center middle;
        & > Vertical {
            width: 90; max-width: 96%; height: 90%; max-height: 32;
            border: round $border; background: $surface; padding: 0 1;
        }
        & PathInput { background: $boost; }
        & .about { color: $text-muted; border-bottom: solid $foreground 25%; height: 2; }
        & .about.-wrong { color: $text-error; }
        & .keys { color: $text-muted; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "Complete", priority=True),
        Binding("down", "move(1)", "Next", show=False),
        Binding("up", "move(-1)", "Previous", show=False),
        Binding("pagedown", "page(1)", "A page on", show=False),
        Binding("pageup", "page(-1)", "A page back", show=False),
        Binding("ctrl+t", "all", "All files"),
    ]

    def __init__(self, kind: str, start: Path) -> None:
        super().__init__()
        self._kind = kind
        self._start = start
        self._listing = Listing(start)
        self._shows_all = False
        self._is_read = False
        self._reading = ReadingThread()

    def compose(self) -> ComposeResult:
        """The path, a line about its folder or the problem, and the entries."""
        with Vertical() as box:
            box.border_title = _TITLES[self._kind]
            yield PathInput(_typed(self._start))
            yield TextLine(classes="about")
            yield EntryList(classes="-used")
            yield Label(_KEYS, classes="keys")

    def on_mount(self) -> None:
        """Read the first folder."""
        self._read(self._start)

    @property
    def _path(self) -> PathInput:
        return self.query_one(PathInput)

    @property
    def _list(self) -> EntryList:
        return self.query_one(EntryList)

    # The folder

    def _read(self, folder: Path) -> None:
        """Read a folder in a thread: it may be large, or its disk may hang."""
        self._listing, self._is_read = Listing(folder), False
        self._list.show([])
        self._show_text("Reading the folder ...")

        def work(stopped: Stopped) -> None:
            listing = list_folder(folder, for_images=self._kind == "folder", stopped=stopped)
            if listing is not None:
                self.post_message(FolderListed(listing))

        self._reading.begin(work)

    def on_unmount(self) -> None:
        """Stop reading."""
        self._reading.stop()

    def on_folder_listed(self, message: FolderListed) -> None:
        """Show it."""
        if message.listing.folder == self._listing.folder:
            self._listing, self._is_read = message.listing, True
            self._show()

    def _show(self) -> None:
        """Show the entries whose name contains what is typed after the last /."""
        if not self._is_read:
            return
        listing, sought = self._listing, _parts(self._path.value)[1]
        folded = sought.casefold()
        shown = [e for e in listing.entries if folded in e.folded and self._is_shown(e, sought)]
        if folded:  # first those whose name begins with it
            shown.sort(key=lambda entry: not entry.folded.startswith(folded))
        first = [] if sought else [_THIS, _UP] if self._kind == "folder" else [_UP]
        self._list.folders = listing.folders
        self._list.show([*first, *shown], self._first_place(first, shown))
        self._about(len(shown))

    def _is_shown(self, entry: Entry, sought: str) -> bool:
        if self._shows_all:
            return True
        if entry.is_hidden and not sought.startswith("."):
            return False
        return entry.kind == "folder" or (self._kind == "csv" and entry.kind == "table")

    def _first_place(self, first: list[Entry], shown: list[Entry]) -> int:
        """The first place: the folder itself where it holds classes, else below `..`."""
        if not first or self._listing.has_classes or not shown:
            return 0
        return len(first)

    def _about(self, shown: int) -> None:
        listing = self._listing
        if listing.problem:
            self._show_text(listing.problem, wrong=True)
            return
        files = len(listing.entries) - listing.folder_count
        folders = counted(listing.folder_count, "folder")
        more = ", and more that aren't listed" if listing.is_cut else ""
        left = len(listing.entries) - shown
        hidden = f"; {left} not shown" if left else ""
        self._show_text(f"{folders}, {counted(files, 'file')}{more}{hidden}")

    def _show_text(self, sentence: str, *, wrong: bool = False) -> None:
        line = self.query_one(".about", TextLine)
        line.set_class(wrong, "-wrong")
        line.show(printable(sentence))

    # What is typed

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the folder that is typed."""
        event.stop()
        folder = _folder(event.value)
        if folder != self._listing.folder:
            self._read(folder)
        else:
            self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Pick the typed file, or else the entry at the cursor."""
        event.stop()
        typed = user_path(event.value.strip())
        if self._kind == "csv" and _parts(event.value)[1] and typed.is_file():
            self.dismiss(str(typed.absolute()))
            return
        entry = self._list.item
        if entry is not None:
            self._pick(entry)
        elif self._is_read and not self._listing.problem:
            self._show_text(f"There is nothing called {_parts(event.value)[1]!r} here.", wrong=True)

    def _pick(self, entry: Entry) -> None:
        folder = self._listing.folder
        if entry.name != printable(entry.name):
            self._show_text(
                "Its name has characters that can't be shown or typed: rename it.", wrong=True
            )
        elif entry.kind == "this":
            self.dismiss(str(folder.absolute()))
        elif entry.kind == "up":
            self._path.value = _typed(folder.absolute().parent)
        elif entry.kind == "folder":
            self._path.value = _typed(folder / entry.name)
        elif self._kind == "csv":
            self.dismiss(str((folder / entry.name).absolute()))
        else:
            self._show_text("Choose the folder, not a file in it.", wrong=True)
        self._path.cursor_position = len(self._path.value)

    def action_complete(self) -> None:
        """Complete what is typed with the entry at the cursor."""
        entry = self._list.item
        if entry is None or entry.kind in ("this", "up") or entry.name != printable(entry.name):
            return
        folder, _ = _parts(self._path.value)
        self._path.value = f"{folder}{entry.name}{'/' if entry.kind == 'folder' else ''}"
        self._path.cursor_position = len(self._path.value)

    def action_all(self) -> None:
        """Show or hide hidden files and files of other kinds."""
        self._shows_all = not self._shows_all
        self._show()

    # The cursor

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._list.action_move(by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self._list.action_page(by)

    def on_line_list_clicked(self, message: LineList.Clicked) -> None:
        """Pick the entry that was clicked."""
        message.stop()
        if isinstance(self._list.item, Entry):
            self._pick(self._list.item)


def _typed(folder: Path) -> str:
    """A folder as the user would type it: with ~ for the home folder, and / at its end."""
    text, home = str(folder.absolute()), os.path.expanduser("~")  # noqa: PTH111  may be none
    if home not in ("~", "/", "") and (text == home or text.startswith(f"{home}/")):
        text = f"~{text[len(home) :]}"
    return text if text.endswith("/") else f"{text}/"


def _parts(typed: str) -> tuple[str, str]:
    """Split what is typed after its last /."""
    place = typed.rfind("/") + 1
    return typed[:place], typed[place:]


def _folder(typed: str) -> Path:
    """The folder that is typed; the working folder without any."""
    return user_path(_parts(typed)[0] or ".").absolute()
