"""Lists the classes of a folder of images."""

from __future__ import annotations

from rich.text import Text

from datasets.own.preview import FolderClass
from tui_app.app.widgets.line_list import LineList
from tui_app.text.cells import cut
from tui_app.text.escaping import printable

_NAME, _COUNT = 18, 7


class ClassList(LineList[FolderClass], can_focus=True):
    """A line a class. Its name is a folder's, and is shown escaped."""

    has_test = False

    @staticmethod
    def header(*, has_test: bool) -> str:
        """The heading of the columns."""
        counts = f"{'train':>{_COUNT}} {'test':>{_COUNT}}" if has_test else f"{'images':>{_COUNT}}"
        return f"{'class':{_NAME}} {counts}"

    def draw_item(self, item: FolderClass) -> Text:
        """Draw the line of a class."""
        name = cut(Text(printable(item.name)), _NAME)
        name.pad_right(_NAME - name.cell_len)
        name.append(f" {item.train:>{_COUNT}}")
        return name.append(f" {item.test:>{_COUNT}}") if self.has_test else name
