"""Lists the folders and files of a folder."""

from __future__ import annotations

from rich.text import Text

from tui_app.app.own_data.folder_listing import Entry
from tui_app.app.widgets.line_list import LineList
from tui_app.text.cells import cut
from tui_app.text.escaping import printable
from tui_app.text.quantities import counted


class EntryList(LineList[Entry]):
    """A line each; names come from the file system, and are shown escaped."""

    can_focus = False

    folders: tuple[str, ...] = ()

    def draw_item(self, item: Entry) -> Text:
        """Draw its name and size."""
        width = self.scrollable_content_region.width
        if item.kind == "this":
            return Text(f"Use this folder  {_of_classes(self.folders)}", "bold")
        if item.kind in ("folder", "up"):
            return Text(f"{printable(item.name)}/", "bold")
        size = _size(item.size)
        text = Text(printable(item.name), "" if item.kind == "table" else "dim")
        room = max(4, width - len(size) - 1)
        text = cut(text, room)
        text.pad_right(room - text.cell_len)
        return text.append(f" {size}", "dim")


def _of_classes(folders: tuple[str, ...]) -> str:
    names = printable(", ".join(folders[:8]))
    more = ", ..." if len(folders) > 8 else ""
    return f"({counted(len(folders), 'folder')}: {names}{more})" if folders else "(no folders)"


def _size(size: int) -> str:
    for unit, letters in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {letters}"
    return f"{size} B"
