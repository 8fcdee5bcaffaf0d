"""Chooses a lecture: loads it, shows its lesson, fills the form and starts its training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from textual.timer import Timer

from models import Lesson, find_lecture, lecture_names, read_lesson
from models.loading.load import is_current
from tui_app.app.appearance.preferences import name_to_remember
from tui_app.app.dialogs.trust_question import ask_trust
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.loading import lecture_loading
from tui_app.app.loading.command_line import CommandLine
from tui_app.app.loading.warm_up import warm_up
from tui_app.app.messages import (
    DevicesFound,
    LectureChosen,
    LectureFailed,
    LectureHighlighted,
    LectureReady,
    LectureStuck,
)
from tui_app.app.screens.main_screen.own_data import OwnDataScreen
from tui_app.app.screens.source import SourceScreen
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.lecture_list import LectureList
from tui_app.app.widgets.lesson_view import LessonView
from tui_app.app.widgets.settings_form import SettingsForm
from tui_app.monitoring.lecture_thread import LectureThread

#: Seconds that a lecture is highlighted before its lesson and settings are loaded.
_DWELL = 0.15

_BROKEN = "{name} can't be used: the Lesson and Settings panes say why."
_LOADING = "The lecture is still being loaded: press s again in a moment."


class LectureChoiceScreen(OwnDataScreen):
    """Loads the chosen lecture, and fills the form with its settings as they were edited last."""

    def __init__(self, lecture: Path | None, given: Mapping[str, Any]) -> None:
        super().__init__()
        self._lessons = [read_lesson(find_lecture(name)) for name in lecture_names()]
        self._first = lecture or find_lecture("lecture_09_softmax_classifier")
        self._command_line = CommandLine(self._first, given)
        self._drafts: dict[Path, SettingsDraft] = {}
        self._lesson: Lesson | None = None
        self._problem = ""
        self._highlighted: Path | None = None
        self._delay: Timer | None = None
        self._loading: LectureThread | None = None
        self._start_when_loaded: Path | None = None
        self._notified: set[str] = set()

    def pick_first(self) -> None:
        """Show the lesson of the first lecture, and load the lecture after the first paint."""
        self._pick(self._first)
        self.call_after_refresh(self._load, self._first)

    async def fill_form(self, path: Path, given: Mapping[str, Any]) -> None:
        """Choose a lecture, and fill the form with the settings `given`."""
        self._pick(path)
        self.query_one(SettingsForm).clear_draft()
        self._load(path, given)
        self.choose_pane("settings")

    def _pick(self, path: Path) -> None:
        self._cancel_delay()
        lesson, lectures = lecture_loading.lesson_of(path), self.query_one(LectureList)
        lectures.add(lesson)
        lectures.select(path)
        self._show_lesson(lesson)

    # From the list

    @property
    def lessons(self) -> Sequence[Lesson]:
        """The lessons in the list."""
        return self.query_one(LectureList).lessons

    def choose_lecture(self, path: Path) -> None:
        """Choose a lecture in the list, as Enter does."""
        lectures = self.query_one(LectureList)
        lectures.select(path)
        lectures.post_message(LectureChosen(path))

    def on_lecture_highlighted(self, message: LectureHighlighted) -> None:
        """Load the lecture once it was highlighted for a moment."""
        if not self.query_one(LectureList).highlights(message.path):
            return  # another was chosen before this message arrived
        self._cancel_delay()
        self._highlighted = message.path
        self._delay = self.set_timer(_DWELL, lambda: self._show_highlighted(message.path))

    def _show_highlighted(self, path: Path) -> None:
        if self._highlighted == path:  # else another was chosen after the timer ran out
            self._show_lecture(path, asks=False)

    def on_lecture_chosen(self, message: LectureChosen) -> None:
        """Load the lecture at once, and go to its settings."""
        is_shown = self._lesson is not None and self._lesson.path == message.path
        self._show_lecture(message.path)
        if is_shown and self._lesson is not None and (self._problem or not self._lesson.number):
            self._load(message.path)  # its file may have changed
        self.choose_pane("settings")

    @while_drawable
    def _show_lecture(self, path: Path, *, asks: bool = True) -> None:
        """Show the lesson and load the lecture; `asks` whether a user's file is trusted."""
        self._cancel_delay()
        if self._lesson is None or self._lesson.path != path:
            self._show_lesson(lecture_loading.lesson_of(path))
            self._load(path, asks=asks)

    def _cancel_delay(self) -> None:
        if self._delay is not None:
            self._delay.stop()
        self._delay = self._highlighted = None

    # The lesson and the lecture

    def _show_lesson(self, lesson: Lesson, problem: str = "") -> None:
        self._lesson, self._problem = lesson, problem
        self.app.remember(lecture=name_to_remember(lesson.path))
        self.query_one(LessonView).show(lesson, chinese=self.app.in_chinese, problem=problem)

    def action_language(self) -> None:
        """Show the lesson in the other language."""
        self.app.in_chinese = not self.app.in_chinese
        self.app.remember(language="zh" if self.app.in_chinese else "en")
        if self._lesson is not None:
            self._show_lesson(self._lesson, self._problem)

    def action_source(self) -> None:
        """Show the lecture's source file."""
        if self._lesson is not None:
            self.app.push_screen(SourceScreen(self._lesson.path))

    def _load(
        self, path: Path, chosen: Mapping[str, Any] | None = None, *, asks: bool = True
    ) -> None:
        line, runs_dir = self._command_line, self.app.runs_dir

        def work() -> None:
            loaded = lecture_loading.load(path, line, runs_dir, chosen)
            if isinstance(loaded, LectureFailed) and not asks:
                loaded.untrusted = None
            self.post_message(loaded)
            self.app.find_devices()
            self.app.read_runs()
            warm_up()

        def report_stuck(sentence: str) -> None:
            self.post_message(LectureStuck(sentence))

        if self._loading is not None:
            self._loading.stop()
        self._loading = LectureThread(work, report_stuck)
        self._loading.start()

    async def on_lecture_ready(self, message: LectureReady) -> None:
        """Fill the form with the settings as they were edited last, or else those given."""
        lecture = message.lecture
        if self._lesson is None or lecture.path != self._lesson.path:
            return
        draft = self._drafts.get(lecture.path)
        is_changed = draft is not None and draft.lecture.source != lecture.source
        if draft is None:
            draft = SettingsDraft(lecture, str(self.app.runs_dir), message.given)
            self._drafts[lecture.path] = draft
        else:
            draft.adopt(lecture)
        if message.chosen is not None:
            draft.replace(message.chosen)
        if is_changed or self._problem:
            self._show_again(message.lesson, is_changed=is_changed)
        choices = {**message.choices, "device": self.app.devices}
        await self.query_one(SettingsForm).fill(draft, choices)
        self.refresh_bindings()
        for note in message.notes:
            self._notify_once(note)
        if self._start_when_loaded == lecture.path:
            self.action_start()
        self._start_when_loaded = None

    def _notify_once(self, note: str) -> None:
        if note not in self._notified:
            self._notified.add(note)
            self.notify(note, severity="warning", timeout=12, markup=False)
            self.app.startup_log.add(note)

    def _show_again(self, lesson: Lesson, *, is_changed: bool) -> None:
        """Show the lesson of a file that was changed, or mended."""
        self.query_one(LectureList).add(lesson)
        self._show_lesson(lesson)
        words = "has changed: it was loaded again" if is_changed else "was loaded"
        self.notify(f"{lesson.path.name} {words}.", markup=False)

    def on_lecture_failed(self, message: LectureFailed) -> None:
        """Show in place of the lesson and the settings why the lecture can't be used."""
        if self._lesson is None or message.path != self._lesson.path:
            return
        self._start_when_loaded = None
        is_new = message.sentence != self._problem
        self._show_lesson(lecture_loading.lesson_of(message.path), message.sentence)
        self.query_one(SettingsForm).show_broken(message.path.stem, message.sentence)
        error = message.untrusted
        if error is not None:
            ask_trust(self.app, error, lambda: self._load(message.path, message.chosen))
        elif is_new:
            self.app.startup_log.add(message.sentence, "error")
            sentence = _BROKEN.format(name=message.path.name)
            self.notify(sentence, severity="error", timeout=6, markup=False)
        self.refresh_bindings()

    def on_lecture_stuck(self, message: LectureStuck) -> None:
        """Notify where the import of the lecture is; the app stays usable."""
        sentence = f"{message.sentence}. Pick another lecture, or quit"
        self.notify(sentence, severity="warning", timeout=12, markup=False)
        self.app.startup_log.add(sentence)

    def on_devices_found(self, message: DevicesFound) -> None:
        """Offer them in the form."""
        self.query_one(SettingsForm).set_choices("device", message.choices)

    # Start

    def action_start(self) -> None:
        """Start training with the form's settings; load the lecture again if its file changed."""
        if self._highlighted is not None:
            self._show_lecture(self._highlighted)
        form, lesson = self.query_one(SettingsForm), self._lesson
        if self._problem and lesson is not None:
            self._load(lesson.path)
        elif lesson is None or form.draft is None or form.draft.lecture.path != lesson.path:
            self.notify(_LOADING)
        elif not is_current(form.draft.lecture):
            self._start_when_loaded = lesson.path
            self._load(lesson.path)
        elif form.can_start and form.draft.is_search:
            self.app.ask_search(form.draft)
        elif form.can_start:
            self.app.start_runs(form.draft.runs())
        else:
            problem = next(iter(form.draft.problems().values()), "")
            self.notify(problem or "A run is under way.", severity="warning", markup=False)
