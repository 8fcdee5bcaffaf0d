"""Shows a study: its curve, its settings against the metric, their importance, and its trials."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer

from tui_app.app.messages import StudyRead
from tui_app.app.own_data.reading_thread import ReadingThread, Stopped
from tui_app.app.screens.study_actions import StudyActionsScreen
from tui_app.app.studies.search_request import search_log
from tui_app.app.studies.started_searches import find_search
from tui_app.app.studies.study_reading import StudyReading
from tui_app.app.studies.study_texts import about_trial, progress_of, title_of
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.key_bar import KeyBar
from tui_app.app.widgets.line_list import LineList
from tui_app.app.widgets.study_charts import StudyCharts
from tui_app.app.widgets.study_trials import StudyTrials
from tui_app.app.widgets.text_line import TextLine
from tui_app.runs.run_folder import RunFolder
from tui_app.text.cells import cut
from tui_app.text.escaping import printable

#: Seconds between two readings, at least and at most.
_INTERVAL, _LONGEST = 1.5, 6.0

#: The share of its time that reading may take, unless that is the longest interval.
_SHARE = 0.2


class StudyScreen(StudyActionsScreen):
    """Reads the study again and again in a thread, since its storage may be slow."""

    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]  # noqa: RUF012

    DEFAULT_CSS = """
    StudyScreen {
        & > #title { padding: 0 1; background: $panel; color: $text; }
        & > #progress { padding: 0 1; color: $text-muted; }
        & > #progress.-wrong { color: $text-error; height: auto; max-height: 3; text-wrap: wrap; }
        & > StudyCharts { height: 40%; padding: 0 1; }
        & > StudyTrials { padding: 0 1; }
        & > #about {
            height: 4; padding: 0 1; color: $text-muted; border-top: solid $foreground 25%;
        }
        &.-short > StudyCharts { display: none; }
        &.-short > #about { height: 3; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_trial", "Open run", key_display="enter"),
        Binding("n,f9", "use_best", "Use best"),
        Binding("x,f8", "stop_search", "Stop"),
        Binding("g,f6", "continue_search", "Continue"),
        Binding("right_square_bracket,right", "turn(1)", "Chart", key_display="]"),
        Binding("left_square_bracket,left", "turn(-1)", "Chart before", show=False),
        Binding("s", "sort", "Sort"),
        Binding("escape,y,backspace", "app.pop_screen", "Back", key_display="esc"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._reading = StudyReading(name, self.app.runs_dir)
        self._thread = ReadingThread()
        self._is_reading = False
        self._next_reading: Timer | None = None
        self._keys: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """Two lines about the study, the charts, the trials, and the one at the cursor."""
        yield TextLine(id="title")
        yield TextLine(id="progress")
        yield StudyCharts()
        yield StudyTrials()
        yield TextLine(id="about")
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin to read."""
        self.query_one(StudyTrials).lines.focus()
        self._show_lines("Reading the study ...")

    def on_unmount(self) -> None:
        """Stop reading."""
        reading = self._reading
        self._thread.begin(lambda stopped: reading.close())

    # Reading

    def on_screen_resume(self) -> None:
        """Read the study, which may have changed."""
        self.read()

    def read(self) -> None:
        """Read the study, unless it is being read or another screen covers this one."""
        if self._is_reading or not self.is_current:
            return
        self._is_reading = True
        if self._next_reading is not None:
            self._next_reading.stop()
        reading, name = self._reading, self.study_name
        log = search_log(name, self.app.runs_dir)

        def work(stopped: Stopped) -> None:
            started = time.monotonic()
            study, problem = reading.read()
            process = find_search(name, log) if study is not None else None
            seconds = time.monotonic() - started
            if not stopped():
                self.post_message(StudyRead(study, problem, seconds, process))

        self._thread.begin(work)

    @while_drawable
    def on_study_read(self, message: StudyRead) -> None:
        """Show the study, and read it again in a while."""
        self._is_reading, self.process = False, message.process
        wait = max(_INTERVAL, min(message.seconds / _SHARE, _LONGEST))
        self._next_reading = self.set_timer(wait, self.read)
        started = self.app.searches.get(self.study_name)
        problem = started.failure if started is not None and not started.is_running else ""
        if message.study is not None:
            self.study = message.study
            self.query_one(StudyTrials).show_study(message.study)
        elif started is not None and started.is_running:
            self._show_lines("The search is starting ...")
            return
        self._show_lines(problem or message.problem, wrong=True)
        self._show_keys()

    def _show_lines(self, sentence: str = "", *, wrong: bool = False) -> None:
        """Show the title and the progress, or else this sentence."""
        study, width = self.study, self.size.width - 2
        title = title_of(self.study_name, study, self.searching)
        self.query_one("#title", TextLine).show(cut(title, width))
        line = self.query_one("#progress", TextLine)
        line.set_class(bool(wrong and sentence), "-wrong")
        if sentence or study is None:
            line.update(Text(printable(sentence)))
        else:
            line.update(cut(progress_of(study), width))

    def _show_keys(self) -> None:
        """Show other keys when other acts are possible."""
        best = self.study is not None and self.study.best
        keys = (self.is_ours, self.is_elsewhere, bool(best))
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    # The trial at the cursor

    @while_drawable
    def on_line_list_moved(self, message: LineList.Moved) -> None:
        """Mark the trial in the charts, and show details of it."""
        message.stop()
        trial = self.query_one(StudyTrials).trial
        if self.study is None:
            return
        self.query_one(StudyCharts).show_study(self.study, trial)
        text = "" if trial is None else about_trial(self.study, trial, self.size.width - 2)
        self.query_one("#about", TextLine).show(text)

    def on_line_list_clicked(self, message: LineList.Clicked) -> None:
        """Open the run at a double click."""
        message.stop()
        if message.is_double:
            self.action_open_trial()

    def action_open_trial(self) -> None:
        """Open the run of the trial."""
        trial = self.query_one(StudyTrials).trial
        if trial is None:
            return
        if trial.run is None or not (trial.run / "run.json").exists():
            self.notify(f"Trial {trial.number} has no run folder.")
            return
        self.app.open_run(RunFolder(trial.run))

    # The charts and the table

    def action_turn(self, by: int) -> None:
        """Show the next setting in the chart, or the one before."""
        self.query_one(StudyCharts).turn(by)

    def action_sort(self) -> None:
        """Sort the trials by the metric, or by number."""
        self.query_one(StudyTrials).sort_by_next()
