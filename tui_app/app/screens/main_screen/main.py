"""The main screen: choose a lecture, edit its settings, and watch it train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static

from tui_app.app.messages import RunsChanged, RunsRead, StartRequested
from tui_app.app.run_summaries import best_by_lecture
from tui_app.app.screens.main_screen.find_lr import FindLrScreen
from tui_app.app.screens.main_screen.panes import PANES
from tui_app.app.screens.main_screen.shown_model import shown_model
from tui_app.app.screens.save_requests import SaveRequests
from tui_app.app.widgets.adjustable_chart import screen_bindings
from tui_app.app.widgets.advice_line import advice_to_show
from tui_app.app.widgets.background_line import BackgroundLine
from tui_app.app.widgets.chart import Chart
from tui_app.app.widgets.comparison import Comparison
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.key_bar import KeyBar
from tui_app.app.widgets.lecture_list import LectureList
from tui_app.app.widgets.lesson_view import LessonView
from tui_app.app.widgets.log_pane import LogPane
from tui_app.app.widgets.model_pane import ModelPane
from tui_app.app.widgets.nav_bar import NavBar
from tui_app.app.widgets.run_pane import RunPane
from tui_app.app.widgets.run_progress import RunProgress
from tui_app.app.widgets.settings_form import SettingsForm
from tui_app.monitoring.monitored_run import MonitoredRun

if TYPE_CHECKING:
    from tui_app.monitoring.model_source import ModelSource


class MainScreen(FindLrScreen):
    """The panes, in one, two or three columns."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-medium"), (180, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,f5", "start", "Start"),
        Binding("r,f3", "runs", "Runs"),
        Binding("y,f10", "studies", "Studies", show=False),
        *screen_bindings(show=False),
        Binding("v", "one_or_all", "One run, all of the queue", show=False),
        Binding("z", "language", "中文/English", show=False),
        Binding("o,f4", "source", "Source", show=False),
        Binding("b,f2", "attach", "Attach"),
        *(
            Binding(str(number), f"pane('{pane}')", title, show=False)
            for number, (pane, title) in enumerate(PANES, 1)
        ),
    ]

    def __init__(self, lecture: Path | None, given: Mapping[str, Any]) -> None:
        super().__init__(lecture, given)
        self._shown: object = None
        self._saves = SaveRequests()

    def compose(self) -> ComposeResult:
        """Compose each pane once; app.tcss arranges them by the width of the terminal."""
        yield NavBar(PANES)
        yield BackgroundLine()
        with Container(id="panes"):
            chinese = self.app.shows_chinese
            yield LectureList(self._lessons, chinese=chinese, id="lectures", classes="pane")
            yield RunPane(id="training", classes="pane")
            yield LessonView(id="lesson", classes="pane")
            yield SettingsForm(id="settings", classes="pane")
            yield ModelPane(id="model", classes="pane")
            yield LogPane(id="log", classes="pane")
        yield Static(id="tiny", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Choose the first lecture; torch is imported after the first paint."""
        self.pick_first()
        self._bring_forward("lesson")
        self.choose_pane("lectures")
        self.query_one(LogPane).follow(self.app.startup_log)

    def on_runs_read(self, message: RunsRead) -> None:
        """Mark the lectures that were trained, with their best results."""
        self.query_one(LectureList).mark(best_by_lecture(message.summaries))

    def on_runs_changed(self, message: RunsChanged) -> None:
        """Read the run folders again."""
        self.run_worker(self.app.read_runs, thread=True, group="runs")

    # Training

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable Start while a run trains, and Attach while no other process trains one."""
        if action == "start":
            return self.controlled_run is None
        if action == "attach":
            return any(line.entries for line in self.query(BackgroundLine))
        return super().check_action(action, parameters)

    def on_start_requested(self, message: StartRequested) -> None:
        """Start was pressed in the form."""
        self.action_start()

    @property
    def shown_run(self) -> MonitoredRun | None:
        """The run of this program that trains, or trained last."""
        return self.app.queue.current if self.app.queue is not None else None

    @property
    def shows_training(self) -> bool:
        """Whether the Training pane, which shows how a run ended, is visible."""
        return self.is_current and self.query_one(RunPane).display

    def watch_run(self) -> None:
        """Show the run that was started."""
        queue = self.app.queue
        if queue is not None:
            pane = self.query_one(RunPane)
            runs = queue.runs if len(queue.runs) > 1 else []
            pane.compare([(run.title, run) for run in runs])
            pane.follow(queue.current)
            self.query_one(LogPane).follow(queue.current.history.log)
            self.choose_pane("training")
            self.draw()

    def model_source(self) -> ModelSource | None:
        """The model that the Model pane shows, or would show."""
        return self._shown_model()[0]

    def _shown_model(self) -> tuple[ModelSource | None, str]:
        return shown_model(self.app.queue, self.query_one(SettingsForm).draft, self._problem)

    @while_drawable
    def draw(self) -> None:
        """Update the panes."""
        queue, pane, model = self.app.queue, self.query_one(RunPane), self.query_one(ModelPane)
        self._show_state()
        if self.has_class("-tiny"):
            self._draw_tiny(queue and queue.current)
        elif model.display:
            if queue is not None and queue.current.is_alive and not queue.current.loop_control:
                self._saves.request(queue.current)
            model.show_model(*self._shown_model())
        if queue is None:
            self.query_one(LogPane).draw()
            return
        if not pane.follows(queue.current):
            pane.follow(queue.current)
            self.query_one(LogPane).follow(queue.current.history.log)
        if self.has_class("-tiny"):
            return
        if pane.display:
            pane.draw()
        self.query_one(LogPane).draw()

    def _draw_tiny(self, run: MonitoredRun | None) -> None:
        """Show one line on a terminal too small for panes, and the size that is needed."""
        line = self.query_one(RunProgress).one_line(run) if run is not None else Text("ready")
        width, height = self.app.size
        line.append(f"\ntutorch needs 60x16 to show more; this terminal has {width}x{height}.")
        self.query_one("#tiny", Static).update(line)

    def _show_state(self) -> None:
        """Update form and keys when the state of the run changes: too slow for every frame."""
        run = self.controlled_run
        shown_run = self.shown_run
        advice = shown_run and advice_to_show(shown_run.history.advice)
        shown = advice, shown_run, run and (run.history.state, run.history.info is None)
        if shown != self._shown:
            self._shown = shown
            self.query_one(SettingsForm).set_busy(run is not None)
            self.refresh_bindings()

    def action_chart(self, action: str, *arguments: int) -> None:
        """Run an action of the chart."""
        pane = self.query_one(RunPane)
        chart = pane.query_one(Comparison if pane.has_class("-queue") else Chart)
        getattr(chart, f"action_{action}")(*arguments)

    def action_one_or_all(self) -> None:
        """Show the chart of the run, or of all runs of the sweep."""
        self.query_one(RunPane).toggle_comparison()

    # Other screens

    def action_attach(self) -> None:
        """Open a run that another process trains."""
        self.query_one(BackgroundLine).attach()

    def action_runs(self) -> None:
        """Open the screen of all runs."""
        self.app.open_runs()

    def action_studies(self) -> None:
        """Open the list of studies."""
        self.app.open_studies()
