"""The main screen: pick a lecture, set it, watch it learn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widgets import Static

from models import LectureError, Lesson, find_lecture, lecture_names, read_lesson
from tui_app import lecture_loading
from tui_app.following.followed import FollowedRun
from tui_app.lecture_loading import CommandLine
from tui_app.lecture_thread import LectureThread
from tui_app.messages import (
    DevicesFound,
    LectureBroken,
    LectureChosen,
    LectureHighlighted,
    LectureReady,
    LectureSilent,
    RunsChanged,
    RunsRead,
    StartRequested,
)
from tui_app.preferences import name_to_remember
from tui_app.screens.looking import sight_of
from tui_app.screens.panes import PANES, PanedScreen
from tui_app.widgets.advice_line import current
from tui_app.widgets.background_line import BackgroundLine
from tui_app.widgets.chart import Chart
from tui_app.widgets.comparison import Comparison
from tui_app.widgets.drawable import while_drawable
from tui_app.widgets.key_bar import KeyBar
from tui_app.widgets.lecture_list import LectureList
from tui_app.widgets.lesson_view import LessonView
from tui_app.widgets.log_pane import LogPane
from tui_app.widgets.model_pane import ModelPane
from tui_app.widgets.nav_bar import NavBar
from tui_app.widgets.progress import Progress
from tui_app.widgets.run_pane import RunPane
from tui_app.widgets.settings_form import SettingsForm

if TYPE_CHECKING:
    from tui_app.draft import Draft
    from tui_app.following.sight import Sight

#: Seconds that a lecture is looked at before its lesson and settings are brought.
_DWELL = 0.15


class MainScreen(PanedScreen):
    """Lectures, lesson, settings, training and log, in one of three arrangements."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-medium"), (180, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (16, "-tall")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s,f5", "start", "Start"),
        Binding("r,f3", "runs", "Runs"),
        Binding("plus,equals_sign", "chart('smooth', 1)", "Smoother", show=False),
        Binding("minus,underscore", "chart('smooth', -1)", "Rougher", show=False),
        Binding("g", "chart('log')", "Log scale", show=False),
        Binding("a", "chart('axis')", "x axis", show=False),
        Binding("m", "chart('panels')", "Loss, accuracy", show=False),
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
        super().__init__()
        self._lessons = [read_lesson(find_lecture(name)) for name in lecture_names()]
        self._first = lecture or find_lecture("lecture_09_softmax_classifier")
        self._command_line = CommandLine(self._first, given)
        self._drafts: dict[Path, Draft] = {}
        self._lesson: Lesson | None = None
        self._dwelling: Timer | None = None
        self._loading: LectureThread | None = None
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """Every pane is there once; app.tcss puts them where the width lets them be."""
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
        """Pick the first lecture; torch is loaded once all this was painted."""
        lectures = self.query_one(LectureList)
        try:
            lesson = read_lesson(self._first)
        except LectureError as error:
            self.notify(str(error), severity="error", markup=False)
            lesson = read_lesson(find_lecture("lecture_09_softmax_classifier"))
        lectures.add(lesson)
        lectures.select(lesson.name)
        self._show_lesson(lesson)
        self._bring_forward("lesson")
        self.choose_pane("lectures")
        self.query_one(LogPane).follow(self.app.log_before)
        self.call_after_refresh(self._load, lesson.path)

    # Lectures

    def on_lecture_highlighted(self, message: LectureHighlighted) -> None:
        """Bring the lesson once it was looked at for a moment."""
        if self._dwelling is not None:
            self._dwelling.stop()
        self._dwelling = self.set_timer(_DWELL, lambda: self._look_at(message.path))

    def on_lecture_chosen(self, message: LectureChosen) -> None:
        """Bring it at once, and go to its settings."""
        if self._dwelling is not None:
            self._dwelling.stop()
        self._look_at(message.path)
        self.choose_pane("settings")

    @while_drawable
    def _look_at(self, path: Path) -> None:
        if self._lesson is None or self._lesson.path != path:
            self._show_lesson(read_lesson(path))
            self._load(path)

    def _show_lesson(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self.app.remember(lecture=name_to_remember(lesson.path))
        self.query_one(LessonView).show(lesson, chinese=self.app.in_chinese)

    def _load(self, path: Path, chosen: Mapping[str, Any] | None = None) -> None:
        line, runs_dir = self._command_line, self.app.runs_dir

        def work() -> None:
            self.post_message(lecture_loading.load(path, line, runs_dir, chosen))
            self.app.find_devices()
            self.app.read_runs()
            lecture_loading.warm_up()

        def say(sentence: str) -> None:
            self.post_message(LectureSilent(sentence))

        if self._loading is not None:
            self._loading.stop()
        self._loading = LectureThread(work, say)
        self._loading.start()

    async def on_lecture_ready(self, message: LectureReady) -> None:
        """Fill the form, with what was set before for the same lecture."""
        from tui_app.draft import Draft

        lecture = message.lecture
        if self._lesson is None or lecture.path != self._lesson.path:
            return
        draft = self._drafts.get(lecture.path)
        if draft is None:
            draft = Draft(lecture, str(self.app.runs_dir), message.given)
            self._drafts[lecture.path] = draft
        else:
            draft.adopt(lecture)
        if message.chosen is not None:
            draft.replace(message.chosen)
        choices = {**message.choices, "device": self.app.devices}
        await self.query_one(SettingsForm).fill(draft, choices)
        self.refresh_bindings()

    def on_lecture_broken(self, message: LectureBroken) -> None:
        """Say why it can't be used."""
        self.notify(message.sentence, severity="error", timeout=12, markup=False)
        self.app.log_before.add(message.sentence, "error")

    def on_lecture_silent(self, message: LectureSilent) -> None:
        """Say where its import is; another lecture can be picked meanwhile."""
        sentence = f"{message.sentence}. Pick another lecture, or quit"
        self.notify(sentence, severity="warning", timeout=12, markup=False)
        self.app.log_before.add(sentence)

    def on_devices_found(self, message: DevicesFound) -> None:
        """Offer them."""
        self.query_one(SettingsForm).offer("device", message.choices)

    def on_runs_read(self, message: RunsRead) -> None:
        """Mark the lectures that were trained."""
        from tui_app.summaries import best_by_lecture

        self.query_one(LectureList).mark(best_by_lecture(message.summaries))

    def on_runs_changed(self, message: RunsChanged) -> None:
        """Look at the run folders again."""
        self.run_worker(self.app.read_runs, thread=True, group="runs")

    async def set_up(self, path: Path, given: Mapping[str, Any]) -> None:
        """Pick a lecture with these settings: those of a run, to be trained anew."""
        lesson = read_lesson(path)
        self.query_one(LectureList).add(lesson)
        self.query_one(LectureList).select(lesson.name)
        self._show_lesson(lesson)
        self.query_one(SettingsForm).wait()
        self._load(path, given)
        self.choose_pane("settings")

    # Training

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Start can't be chosen while something trains."""
        if action == "start":
            return self.training is None
        if action == "attach":
            return any(line.runs for line in self.query(BackgroundLine))
        return super().check_action(action, parameters)

    def action_start(self) -> None:
        """Train what the form says."""
        form = self.query_one(SettingsForm)
        if form.draft is None:
            self.notify("The lecture is still being loaded: once more, in a moment.")
        elif form.can_start:
            self.app.begin(form.draft.runs())
        else:
            problem = next(iter(form.draft.problems().values()), "")
            self.notify(problem or "A run is under way.", severity="warning", markup=False)

    def on_start_requested(self, message: StartRequested) -> None:
        """Start was pressed in the form."""
        self.action_start()

    @property
    def watched(self) -> FollowedRun | None:
        """The run of this program that trains, or trained last."""
        return self.app.queue.current if self.app.queue is not None else None

    def watch_run(self) -> None:
        """Something was started: look at it."""
        queue = self.app.queue
        if queue is not None:
            pane = self.query_one(RunPane)
            runs = queue.runs if len(queue.runs) > 1 else []
            pane.compare([(run.title, run) for run in runs])
            pane.follow(queue.current)
            self.query_one(LogPane).follow(queue.current.history.log)
            self.choose_pane("training")
            self.draw()

    def sight(self) -> Sight | None:
        """The model that the Model pane shows, or would show."""
        return self._what_to_look_at()[0]

    def _what_to_look_at(self) -> tuple[Sight | None, str]:
        return sight_of(self.app.queue, self.query_one(SettingsForm).draft)

    @while_drawable
    def draw(self) -> None:
        """Bring the panes up to date with the run."""
        queue, pane, model = self.app.queue, self.query_one(RunPane), self.query_one(ModelPane)
        self._show_state()
        if model.display and not self.has_class("-tiny"):
            model.look_at(*self._what_to_look_at())
        if queue is None:
            self.query_one(LogPane).draw()
            return
        if pane.run_followed is not queue.current:
            pane.follow(queue.current)
            self.query_one(LogPane).follow(queue.current.history.log)
        if self.has_class("-tiny"):
            size = "tutorch needs 60x16 to show more."
            line = self.query_one(Progress).one_line(queue.current)
            self.query_one("#tiny", Static).update(line.append(f"\n{size}"))
            return
        if pane.display:
            pane.draw()
        self.query_one(LogPane).draw()

    def _show_state(self) -> None:
        """Form and keys follow what trains; asking them costs too much to do it every time."""
        run = self.training
        watched = self.watched
        advice = watched and current(watched.history.advice)
        shown = advice, watched, run and (run.history.state, run.history.facts is None)
        if shown != self._shown:
            self._shown = shown
            self.query_one(SettingsForm).set_busy(run is not None)
            self.refresh_bindings()

    def action_chart(self, act: str, *arguments: int) -> None:
        """Pass an act on to the chart."""
        pane = self.query_one(RunPane)
        chart = pane.query_one(Comparison if pane.has_class("-queue") else Chart)
        getattr(chart, f"action_{act}")(*arguments)

    def action_one_or_all(self) -> None:
        """The run's own chart, or all runs of the queue."""
        self.query_one(RunPane).toggle_comparison()

    # Other screens

    def action_language(self) -> None:
        """The lesson in the other language."""
        self.app.in_chinese = not self.app.in_chinese
        self.app.remember(language="zh" if self.app.in_chinese else "en")
        if self._lesson is not None:
            self._show_lesson(self._lesson)

    def action_attach(self) -> None:
        """A run that another program trains."""
        self.query_one(BackgroundLine).attach()

    def action_source(self) -> None:
        """The lecture's own file."""
        from tui_app.screens.source import SourceScreen

        if self._lesson is not None:
            self.app.push_screen(SourceScreen(self._lesson.path))

    def action_runs(self) -> None:
        """All runs."""
        self.app.open_runs()
