"""Actions that move runs to the trash, and bring them back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.app.screens.runs_screen.table_screen import RunTableScreen
from tui_app.runs.errors import RunLocked
from tui_app.runs.run_table import RunRow
from tui_app.runs.trash import TrashedRun, move_to_trash, restore_from_trash
from tui_app.text.escaping import printable
from tui_app.text.quantities import counted

#: The most runs that the question names.
_NAMED = 8


class TrashActionsScreen(RunTableScreen):
    """Moves runs to the trash, after a question; undo brings back the last ones."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._discarded: list[list[TrashedRun]] = []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer undo once a run was moved."""
        if action == "undo":
            return bool(self._discarded)
        return super().check_action(action, parameters)

    def action_discard(self) -> None:
        """Move the marked runs to the trash, or else the one at the cursor."""
        row = self.runs.row
        rows = self.runs.marked_rows or ([] if row is None else [row])
        if not rows:
            return

        def answered(answer: str | None) -> None:
            if answer == "d":
                self._discard(rows)

        answers = [("d", "Move"), ("Esc", "Keep")]
        self.app.push_screen(ChoiceQuestion(_question(rows), answers), answered)

    def _discard(self, rows: Sequence[RunRow]) -> None:
        moved, problems = [], []
        for row in rows:
            try:
                moved.append(move_to_trash(row.folder))
            except (RunLocked, OSError) as error:
                problems.append(str(error))
            else:
                self.runs.marked.pop(row.folder.name, None)
        if moved:
            self._discarded.append(moved)
            self._notify(f"Moved {_what(moved)} to the trash; press u to undo.")
        if problems:
            self.notify("\n".join(problems), severity="error", markup=False)
        self._changed()

    def action_undo(self) -> None:
        """Bring back the runs that were moved last."""
        if not self._discarded:
            return
        moved, left, problems = self._discarded.pop(), [], []
        for each in moved:
            try:
                restore_from_trash(each)
            except OSError as error:
                left.append(each)
                problems.append(f"{each.name} stays in the trash: {error.strerror}")
        if left:
            self._discarded.append(left)
            self.notify("\n".join(problems), severity="error", markup=False)
        back = [each for each in moved if each not in left]
        if back:
            self.runs.cursor_target = back[0].name
            self._notify(f"Brought back {_what(back)}.")
        self._changed()

    def _notify(self, sentence: str) -> None:
        self.notify(printable(sentence), timeout=5, markup=False)

    def _changed(self) -> None:
        self.refresh_bindings()
        self.app.read_runs_again()
        self.read()


def _what(moved: Sequence[TrashedRun]) -> str:
    return moved[0].before.name if len(moved) == 1 else counted(len(moved), "run")


def _question(rows: Sequence[RunRow]) -> str:
    names = [printable(row.folder.name) for row in rows]
    if len(names) == 1:
        return f"Move {names[0]} to the trash?"
    more = [f"and {len(names) - _NAMED + 1} more"] if len(names) > _NAMED else []
    listed = names[: _NAMED - 1] + more if more else names
    return "\n".join([f"Move these {len(names)} runs to the trash?", *listed])
