"""Shows one run from its folder: chart, settings and log, as it is or while it trains."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Static

from tui_app.app.screens.advice import AdviceScreen
from tui_app.app.screens.save_requests import SaveRequests
from tui_app.app.widgets.adjustable_chart import screen_bindings
from tui_app.app.widgets.advice_line import advice_to_show
from tui_app.app.widgets.chart import Chart
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.key_bar import KeyBar
from tui_app.app.widgets.log_pane import LogPane
from tui_app.app.widgets.model_pane import ModelPane
from tui_app.app.widgets.run_pane import RunPane
from tui_app.app.widgets.view_area import ViewArea
from tui_app.monitoring.model_source import ModelSource, model_of_run
from tui_app.monitoring.monitored_run import MonitoredRun
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.run_folder import RunFolder
from tui_app.runs.run_table import read_note
from tui_app.text.escaping import printable


class RunScreen(AdviceScreen):
    """Reads a run's folder, and controls the run while another process trains it here."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-medium")]  # noqa: RUF012

    DEFAULT_CSS = """
    RunScreen {
        & > RunPane, & > ModelPane { height: 1fr; }
        & > ModelPane { display: none; }
        &.-model > ModelPane { display: block; }
        &.-model > RunPane { display: none; }
        & > Horizontal { height: 30%; min-height: 6; }
        & LogPane { width: 2fr; }
        & #facts { width: 1fr; border: round $foreground 25%; padding: 0 1; }
        & #facts > Static { width: 1fr; }
        &.-narrow #facts { display: none; }
        &.-narrow.-facts #facts { display: block; }
        &.-narrow.-facts LogPane { display: none; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,r,backspace", "app.pop_screen", "Back", key_display="esc"),
        Binding("7,4", "model", "Model, chart", key_display="7"),
        Binding("i", "facts", "Settings, log"),
        *screen_bindings(show=True),
    ]

    def __init__(self, run: RecordedRun) -> None:
        super().__init__()
        self._run = run
        self._keys: tuple[object, ...] = ()
        self._saves = SaveRequests()
        self._history = run.history
        self._has_news = False

    def compose(self) -> ComposeResult:
        """The run above, its settings and its log below."""
        yield RunPane()
        yield ModelPane(id="model")
        with Horizontal():
            yield LogPane(id="log")
            with VerticalScroll(id="facts"):
                yield Static(markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Show what the folder holds so far."""
        self.query_one(RunPane).follow(self._run)
        self.query_one(LogPane).follow(self._run.history.log)
        self.query_one("#facts").border_title = "Settings and note"
        self.query_one("#facts Static", Static).update(self._settings_and_note())
        self.query_one(Chart).focus()
        self.call_after_refresh(self.draw)

    @property
    def controlled_run(self) -> MonitoredRun | None:
        """The run, while it is trained by another process that can be reached."""
        return self._run if self._run.control is not None else None

    @property
    def shown_run(self) -> MonitoredRun:
        """The run in the folder."""
        return self._run

    def action_stop(self) -> None:
        """Save and stop the run in the other process."""
        self._send("stop")

    @property
    def is_watching(self) -> bool:
        """Whether the run may still grow."""
        return not self._run.is_over

    @property
    def is_reading(self) -> bool:
        """Whether earlier lines of the run are still being read."""
        return bool(self._run.stage)

    def read_more(self) -> None:
        """Read more of the run without showing it."""
        self._has_news |= self._run.poll()

    @while_drawable
    def draw(self) -> None:
        """Read what is new, and show it."""
        self.read_more()
        if self._has_news or self.is_watching:
            self._has_news = False
            if self._run.history is not self._history:  # the run was resumed from a checkpoint
                self._history = self._run.history
                self.query_one(RunPane).follow(self._run)
                self.query_one(LogPane).follow(self._run.history.log)
            self.query_one(RunPane).draw()
            self.query_one(LogPane).draw()
        self._draw_model()
        history = self._run.history
        keys = (self._run.control, history.state, advice_to_show(history.advice))
        if keys != self._keys:
            self._keys = keys
            self.refresh_bindings()

    def _draw_model(self) -> None:
        """Show the best model, or the newest one while the run trains, if the pane is open."""
        pane = self.query_one(ModelPane)
        if pane.display and self._run.failure is not None:
            pane.show_model(None, self._run.failure.sentence)
        elif pane.display and not self.is_reading:
            self._saves.request(self._run)
            pane.show_model(self.model_source())

    def model_source(self) -> ModelSource:
        """The model that the Model pane shows, or would show."""
        best = self._run.history.best
        epoch = best.epoch if best else 0
        return model_of_run(self._run.folder, epoch, is_training=self.is_watching)

    def open_view(self, name: str) -> None:
        """Show a view of the model in place of the chart."""
        if not self.has_class("-model"):
            self.action_model()
        self.query_one(ModelPane).open_view(name)

    def action_model(self) -> None:
        """Show the model in place of the chart, or the chart again."""
        self.toggle_class("-model")
        pane = ModelPane if self.has_class("-model") else RunPane
        self.query_one(pane).query_one(ViewArea if pane is ModelPane else Chart).focus()
        self.call_after_refresh(self.draw)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to switch between settings and log on a narrow terminal alone."""
        if action == "facts":
            return self.has_class("-narrow")
        return super().check_action(action, parameters)

    def action_facts(self) -> None:
        """Show the settings and the note in place of the log, or the log again."""
        self.toggle_class("-facts")
        self.query_one("#facts" if self.has_class("-facts") else "#log Log").focus()

    def action_chart(self, action: str, *arguments: int) -> None:
        """Run an action of the chart."""
        getattr(self.query_one(Chart), f"action_{action}")(*arguments)

    def _settings_and_note(self) -> Text:
        note = " ".join(read_note(RunFolder(self._run.folder)).split())
        rows = [*([("note", printable(note))] if note else []), *self._run.settings()]
        width = max((len(name) for name, _ in rows), default=0)
        text = Text()
        for name, value in rows:
            text.append(f"{name:<{width}}  ", "dim")
            text.append(f"{value}\n")
        return text
