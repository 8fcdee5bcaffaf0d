"""Actions on a run of the table: compare, resume, extend, repeat, and write a note."""

from __future__ import annotations

from datasets.reading.cell_numbers import whole_number
from tui_app.app.dialogs.text_question import TextQuestion
from tui_app.app.screens.compare import CompareScreen
from tui_app.app.screens.runs_screen.table_screen import RunTableScreen
from tui_app.runs.run_table import write_note
from tui_app.training.session_request import ResumeRequest

_TRAINING = ("running", "paused")


class RunActionsScreen(RunTableScreen):
    """Acts on the run at the cursor; compares the marked ones."""

    def action_compare(self) -> None:
        """Show the marked runs in one chart."""
        rows = self.runs.marked_rows
        if len(rows) < 2:
            self.notify("Mark two runs or more with the space bar, then compare them.")
            return
        self.app.push_screen(CompareScreen(rows))
        self.app.update_soon()

    def action_resume(self) -> None:
        """Resume the run where it stopped."""
        row = self.runs.row
        if row is None:
            return
        if not row.summary.has_begun:
            self.notify(row.summary.not_begun_text, markup=False)
        elif row.summary.state in _TRAINING:
            self.notify("It is training: Enter opens it.")
        elif row.summary.state == "completed" and row.summary.epoch >= (row.summary.epochs or 0):
            self.notify("All epochs are done; press e to extend.")
        else:
            self.app.resume_run(ResumeRequest(row.folder))

    def action_extend(self) -> None:
        """Train the run for more epochs."""
        row = self.runs.row
        if row is None or row.summary.state == "damaged":
            return
        if not row.summary.has_begun:
            self.notify(row.summary.not_begun_text, markup=False)
            return
        if row.summary.state in _TRAINING:
            self.notify("It is training: Enter opens it.")
            return
        trained = row.summary.epoch
        question = f"Epochs in all (so far {trained})"

        def problem(text: str) -> str:
            epochs = whole_number(text.strip())
            is_more = epochs is not None and epochs > trained
            return "" if is_more else f"Epochs: a whole number above {trained}."

        def extend(text: str | None) -> None:
            if text is not None:
                self.app.resume_run(ResumeRequest(row.folder, epochs=int(text)))

        self.app.push_screen(TextQuestion(question, str(max(2 * trained, 1)), problem), extend)

    def action_again(self) -> None:
        """Fill the form with the run's settings."""
        row = self.runs.row
        if row is not None:
            self.app.repeat_run(row.folder)

    def action_note(self) -> None:
        """Edit the note on the run."""
        row = self.runs.row
        if row is None:
            return

        def keep(text: str | None) -> None:
            if text is not None:
                try:
                    write_note(row.folder, text)
                except OSError as error:
                    self.notify(str(error), severity="error", markup=False)
                self.read()

        self.app.push_screen(TextQuestion(f"A note on {row.folder.name}", row.note), keep)
