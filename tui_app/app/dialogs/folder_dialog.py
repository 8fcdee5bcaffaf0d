"""Shows the classes of a folder of images, and one image of the class at the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from datasets.own.preview import FolderClass, FolderPreview
from tui_app.app.dialogs.data_dialog import DataDialog
from tui_app.app.messages import PictureRead, PreviewRead
from tui_app.app.own_data.reading_thread import ReadingThread, Stopped
from tui_app.app.widgets.class_list import ClassList
from tui_app.app.widgets.image_area import ImageArea
from tui_app.app.widgets.line_list import LineList
from tui_app.app.widgets.text_line import TextLine
from tui_app.text.quantities import counted


class FolderDialog(DataDialog):
    """The classes with their numbers of images, beside an image."""

    DEFAULT_CSS = """
    FolderDialog {
        & > Vertical > .header { color: $text-muted; text-style: underline; }
        & ClassList { width: 1fr; height: 1fr; }
        & ImageArea { width: 1fr; height: 1fr; margin-left: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "OK"),
        Binding("left", "image(-1)", "Image before"),
        Binding("right", "image(1)", "Next image"),
    ]

    _keys = "Enter: OK · ↑ ↓: class · ← →: another image · Esc: cancel"

    _preview: FolderPreview | None = None

    def compose_data(self) -> ComposeResult:
        """The classes, and an image."""
        yield TextLine(classes="header")
        with Horizontal():
            yield ClassList()
            yield ImageArea()

    def on_mount(self) -> None:
        """Focus the classes."""
        super().on_mount()
        self._pictures, self._number = ReadingThread(), 0
        self._list.focus()

    @property
    def _list(self) -> ClassList:
        return self.query_one(ClassList)

    def on_preview_read(self, message: PreviewRead) -> None:
        """Show the classes."""
        preview = message.preview
        if not isinstance(preview, FolderPreview):
            self.show_text("This folder can't be learned from.", message.problem, wrong=True)
            return
        self._preview = preview
        has_test = preview.test is not None
        self.query_one(".header", TextLine).show(ClassList.header(has_test=has_test))
        self._list.has_test = has_test
        self._list.show(preview.classes)
        channels, height, width = preview.encoder.shape
        depth = ", 16 bits" if preview.encoder.depth == 16 else ""
        colours = f"grey{depth}" if channels == 1 else "colour"
        split = f"tested on {preview.test.name}/" if preview.test else "a fifth is held out to test"
        self.show_text(
            f"{counted(preview.count, 'image')} in {len(preview.classes)} classes, {split}",
            f"each becomes {width} x {height}, {colours}",
        )

    # The image

    def on_line_list_moved(self, message: LineList.Moved) -> None:
        """Show the first image of the class at the cursor."""
        message.stop()
        self._number = 0
        self._show_image()

    def action_image(self, by: int) -> None:
        """Show another image of the class."""
        self._number += by
        self._show_image()

    def _show_image(self) -> None:
        chosen, preview = self._list.item, self._preview
        if preview is None or not isinstance(chosen, FolderClass) or not chosen.images:
            return
        path, encoder = chosen.images[self._number % len(chosen.images)], preview.encoder

        def work(stopped: Stopped) -> None:
            try:
                pixels = encoder(str(path))
            except (ValueError, OSError) as error:
                self.post_message(PictureRead(path.name, None, str(error)))
                return
            if not stopped():
                self.post_message(PictureRead(path.name, pixels))

        self._pictures.begin(work)

    def on_picture_read(self, message: PictureRead) -> None:
        """Draw it."""
        self.query_one(ImageArea).show_image(message.name, message.pixels, message.problem)

    def on_unmount(self) -> None:
        """Stop reading."""
        super().on_unmount()
        self._pictures.stop()

    def action_choose(self) -> None:
        """Return the choice, if the folder could be read."""
        if self._preview is not None:
            self.dismiss("ok")
