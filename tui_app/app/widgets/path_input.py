"""An input for a path: Backspace behind a `/` deletes the whole folder name."""

from __future__ import annotations

from textual.widgets import Input


class PathInput(Input):
    """Shows the end of the path."""

    def __init__(self, text: str) -> None:
        super().__init__(text, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Put the cursor at the end."""
        self.cursor_position = len(self.value)

    def action_delete_left(self) -> None:
        """Delete a folder name at the end as a whole, else the letter before the cursor."""
        is_folder = self.value.endswith("/") and self.cursor_position == len(self.value)
        if is_folder and self.selection.is_empty and len(self.value) > 1:
            self.value = self.value[: self.value.rstrip("/").rfind("/") + 1]
            self.cursor_position = len(self.value)
        else:
            super().action_delete_left()
