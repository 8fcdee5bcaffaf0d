"""Shows in a line which runs train in other processes, while there are any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text
from textual.widgets import Static

from datasets.own.names import short_name
from tui_app.app.app_interface import AppInterface
from tui_app.monitoring.background_runs import background_runs
from tui_app.runs.listing import RunSummary
from tui_app.runs.run_folder import RunFolder
from tui_app.text.cells import cut
from tui_app.text.escaping import printable
from tui_app.text.quantities import counted

#: Seconds between two readings of the runs folder.
_INTERVAL = 4.0

_KEY = "  b: attach"


class BackgroundLine(Static):
    """Hidden while no other process trains a run. A click attaches to it, as the key does."""

    app: AppInterface

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
        """Read the folder once the screen is painted, then regularly."""
        self.call_after_refresh(self._read)
        self.set_interval(_INTERVAL, self._read)

    def _read(self) -> None:
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
        count_changed = len(runs) != len(self.runs)
        self.runs = runs
        self._write()
        if count_changed:
            self.display = bool(runs)
            self.screen.refresh_bindings()

    def on_resize(self) -> None:
        """Cut the text to the new width."""
        self._write()

    def _write(self) -> None:
        if not self.runs:
            return
        what = _describe(self.runs[0]) if len(self.runs) == 1 else counted(len(self.runs), "run")
        width = self.app.size.width - 2 - len(_KEY)
        self.update(Text.assemble(cut(Text(f"▶ background: {what}"), width), (_KEY, "bold")))

    def on_click(self) -> None:
        """Attach as the key does."""
        self.attach()

    def attach(self) -> None:
        """Open the run, or choose one of several."""
        if len(self.runs) == 1:
            self._open(self.runs[0].path)
        elif self.runs:
            choices = [(_describe(run), run.path) for run in reversed(self.runs)]
            self.app.choose_from_list(choices, choices[0][1], self._open)

    def _open(self, path: str | None) -> None:
        if path:
            self.app.open_run(RunFolder(Path(path)))


def _describe(run: RunSummary) -> str:
    lecture = run.lecture.removeprefix("lecture_").replace("_", " ")
    data = short_name(run.dataset)
    paused = ", paused" if run.state == "paused" else ""
    return printable(f"{lecture}, {data}{paused}, epoch {run.epoch}/{run.epochs}")
