"""Shows in a line which runs and searches go on in other processes, while there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class BackgroundEntry:
    """A run in a `folder`, or a `study`, that another process works on."""

    text: str
    folder: str = ""
    study: str = ""

    @property
    def key(self) -> str:
        """Identifies the entry."""
        return self.folder or f"study {self.study}"


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
        self.entries: Sequence[BackgroundEntry] = ()

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
        own = [search.name for search in self.app.searches.running]
        entries = background_entries(runs, own)
        if entries == self.entries or not self.is_attached:
            return
        count_changed = len(entries) != len(self.entries)
        self.entries = entries
        self._write()
        if count_changed:
            self.display = bool(entries)
            self.screen.refresh_bindings()

    def on_resize(self) -> None:
        """Cut the text to the new width."""
        self._write()

    def _write(self) -> None:
        if not self.entries:
            return
        what = self.entries[0].text if len(self.entries) == 1 else _counted(self.entries)
        width = self.app.size.width - 2 - len(_KEY)
        self.update(Text.assemble(cut(Text(f"▶ background: {what}"), width), (_KEY, "bold")))

    def on_click(self) -> None:
        """Attach as the key does."""
        self.attach()

    def attach(self) -> None:
        """Open the run or the search, or choose one of several."""
        if len(self.entries) == 1:
            self._open(self.entries[0].key)
        elif self.entries:
            choices = [(entry.text, entry.key) for entry in reversed(self.entries)]
            self.app.choose_from_list(choices, choices[0][1], self._open)

    def _open(self, key: str | None) -> None:
        entry = next((entry for entry in self.entries if entry.key == key), None)
        if entry is not None and entry.study:
            self.app.open_study(entry.study)
        elif entry is not None:
            self.app.open_run(RunFolder(Path(entry.folder)))


def background_entries(
    runs: Sequence[RunSummary], searches: Sequence[str]
) -> list[BackgroundEntry]:
    """Return an entry for each run, but one for all trials of a study, and one for each of the
    `searches` that this program has started.
    """
    trials = [run for run in runs if run.study]
    studies = dict.fromkeys([*(run.study for run in trials), *searches])
    entries = []
    for study in studies:
        count = sum(run.study == study for run in trials)
        training = f", {counted(count, 'trial')} training" if count else ""
        entries.append(BackgroundEntry(printable(f"search {study}{training}"), study=study))
    plain = [run for run in runs if not run.study]
    return [*entries, *(BackgroundEntry(_describe(run), folder=run.path) for run in plain)]


def _counted(entries: Sequence[BackgroundEntry]) -> str:
    searches = sum(bool(entry.study) for entry in entries)
    runs = len(entries) - searches
    parts = ["1 search" if searches == 1 else f"{searches} searches"] if searches else []
    return ", ".join([*parts, *([counted(runs, "run")] if runs else [])])


def _describe(run: RunSummary) -> str:
    lecture = run.lecture.removeprefix("lecture_").replace("_", " ")
    data = short_name(run.dataset)
    paused = ", paused" if run.state == "paused" else ""
    return printable(f"{lecture}, {data}{paused}, epoch {run.epoch}/{run.epochs}")
