"""A line that says which runs train in other programs, as long as there are any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual.widgets import Static

from datasets.own.names import short_name
from tui_app.app.dialogs.pick_from_list import PickFromList
from tui_app.monitoring.background_runs import background_runs
from tui_app.runs.listing import RunSummary
from tui_app.runs.run_folder import RunFolder
from tui_app.text.cells import cut
from tui_app.text.escaping import printable
from tui_app.text.quantities import counted

if TYPE_CHECKING:
    from tui_app.app.app import TutorchApp

#: Seconds between two looks at the runs folder.
_AGAIN = 4.0

_KEY = "  b: attach"


class BackgroundLine(Static):
    """Hidden while every run that trains is one of this program. A click attaches, as the key."""

    app: TutorchApp

    DEFAULT_CSS = """
    BackgroundLine {
        display: none; height: 1; padding: 0 1; background: $boost; color: $text-success;
        &:hover { background: $panel; }
    }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.runs: Sequence[RunSummary] = ()

    def on_mount(self) -> None:
        """Look once the screen is painted, and again and again."""
        self.call_after_refresh(self._look)
        self.set_interval(_AGAIN, self._look)

    def _look(self) -> None:
        if not self.screen.is_current:
            return
        queue, runs_dir = self.app.queue, self.app.runs_dir
        own = [run.folder for run in queue.started if run.folder is not None] if queue else []

        def work() -> None:
            runs = background_runs(runs_dir, own)
            self.app.call_later(self._show, runs)

        self.run_worker(work, thread=True, exclusive=True, group="background")

    def _show(self, runs: Sequence[RunSummary]) -> None:
        if runs == self.runs or not self.is_attached:
            return
        is_other_number = len(runs) != len(self.runs)
        self.runs = runs
        self._write()
        if is_other_number:
            self.display = bool(runs)
            self.screen.refresh_bindings()

    def on_resize(self) -> None:
        """Cut the words to the new width."""
        self._write()

    def _write(self) -> None:
        if not self.runs:
            return
        of_which = _words(self.runs[0]) if len(self.runs) == 1 else counted(len(self.runs), "run")
        room = self.app.size.width - 2 - len(_KEY)
        self.update(Text.assemble(cut(Text(f"▶ background: {of_which}"), room), (_KEY, "bold")))

    def on_click(self) -> None:
        """Open the run."""
        self.attach()

    def attach(self) -> None:
        """Open the run, or choose one of several."""
        if len(self.runs) == 1:
            self._open(self.runs[0].path)
        elif self.runs:
            choices = [(_words(run), run.path) for run in reversed(self.runs)]
            self.app.push_screen(PickFromList(choices, choices[0][1]), self._open)

    def _open(self, path: str | None) -> None:
        if path:
            self.app.open_run(RunFolder(Path(path)))


def _words(run: RunSummary) -> str:
    lecture = run.lecture.removeprefix("lecture_").replace("_", " ")
    data = short_name(run.dataset)
    paused = ", paused" if run.state == "paused" else ""
    return printable(f"{lecture}, {data}{paused}, epoch {run.epoch}/{run.epochs}")
