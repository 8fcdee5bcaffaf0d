"""Which lecture is picked: its lesson and its form, and a user's own file read anew."""

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

#: Seconds that a lecture is highlighted before its lesson and settings are brought.
_DWELL = 0.15

_BROKEN = "{name} can't be used: the Lesson and Settings panes say why."
_LOADING = "The lecture is still being loaded: press s again in a moment."


class LectureChoiceScreen(OwnDataScreen):
    """Loads the lecture that is picked, and fills the form with what was set for it before."""

    def __init__(self, lecture: Path | None, given: Mapping[str, Any]) -> None:
        super().__init__()
        self._lessons = [read_lesson(find_lecture(name)) for name in lecture_names()]
        self._first = lecture or find_lecture("lecture_09_softmax_classifier")
        self._command_line = CommandLine(self._first, given)
        self._drafts: dict[Path, SettingsDraft] = {}
        self._lesson: Lesson | None = None
        self._problem = ""
        self._highlighted: Path | None = None
        self._dwelling: Timer | None = None
        self._loading: LectureThread | None = None
        self._to_start: Path | None = None
        self._said: set[str] = set()

    def pick_first(self) -> None:
        """Pick the lecture that was named on the command line; load it once all is painted."""
        self._pick(self._first)
        self.call_after_refresh(self._load, self._first)

    async def set_up(self, path: Path, given: Mapping[str, Any]) -> None:
        """Pick a lecture with these settings: those of a run, to be trained anew."""
        self._pick(path)
        self.query_one(SettingsForm).clear_draft()
        self._load(path, given)
        self.choose_pane("settings")

    def _pick(self, path: Path) -> None:
        self._stop_dwelling()
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
        """Bring the lesson once the lecture was highlighted for a moment."""
        if not self.query_one(LectureList).highlights(message.path):
            return  # another was picked before this message came
        self._stop_dwelling()
        self._highlighted = message.path
        self._dwelling = self.set_timer(_DWELL, lambda: self._bring_highlighted(message.path))

    def _bring_highlighted(self, path: Path) -> None:
        if self._highlighted == path:  # else another was picked when the timer had just run out
            self._bring(path, asks=False)

    def on_lecture_chosen(self, message: LectureChosen) -> None:
        """Bring it at once, and go to its settings."""
        is_shown = self._lesson is not None and self._lesson.path == message.path
        self._bring(message.path)
        if is_shown and self._lesson is not None and (self._problem or not self._lesson.number):
            self._load(message.path)  # its file may have changed
        self.choose_pane("settings")

    @while_drawable
    def _bring(self, path: Path, *, asks: bool = True) -> None:
        """Show the lesson and load the lecture; a user's file that isn't trusted is asked about
        unless it was only passed by.
        """
        self._stop_dwelling()
        if self._lesson is None or self._lesson.path != path:
            self._show_lesson(lecture_loading.lesson_of(path))
            self._load(path, asks=asks)

    def _stop_dwelling(self) -> None:
        if self._dwelling is not None:
            self._dwelling.stop()
        self._dwelling = self._highlighted = None

    # The lesson and the lecture

    def _show_lesson(self, lesson: Lesson, problem: str = "") -> None:
        self._lesson, self._problem = lesson, problem
        self.app.remember(lecture=name_to_remember(lesson.path))
        self.query_one(LessonView).show(lesson, chinese=self.app.in_chinese, problem=problem)

    def action_language(self) -> None:
        """The lesson in the other language."""
        self.app.in_chinese = not self.app.in_chinese
        self.app.remember(language="zh" if self.app.in_chinese else "en")
        if self._lesson is not None:
            self._show_lesson(self._lesson, self._problem)

    def action_source(self) -> None:
        """The lecture's own file."""
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

        def say(sentence: str) -> None:
            self.post_message(LectureStuck(sentence))

        if self._loading is not None:
            self._loading.stop()
        self._loading = LectureThread(work, say)
        self._loading.start()

    async def on_lecture_ready(self, message: LectureReady) -> None:
        """Fill the form, with what was set before for the same lecture."""
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
            self._say_once(note)
        if self._to_start == lecture.path:
            self.action_start()
        self._to_start = None

    def _say_once(self, note: str) -> None:
        if note not in self._said:
            self._said.add(note)
            self.notify(note, severity="warning", timeout=12, markup=False)
            self.app.startup_log.add(note)

    def _show_again(self, lesson: Lesson, *, is_changed: bool) -> None:
        """Show the lesson of a file that has changed, or that can be used by now."""
        self.query_one(LectureList).add(lesson)
        self._show_lesson(lesson)
        words = "has changed: it was loaded again" if is_changed else "was loaded"
        self.notify(f"{lesson.path.name} {words}.", markup=False)

    def on_lecture_failed(self, message: LectureFailed) -> None:
        """Say in the place of its lesson and its settings why it can't be used."""
        if self._lesson is None or message.path != self._lesson.path:
            return
        self._to_start = None
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
        """Say where its import is; another lecture can be picked meanwhile."""
        sentence = f"{message.sentence}. Pick another lecture, or quit"
        self.notify(sentence, severity="warning", timeout=12, markup=False)
        self.app.startup_log.add(sentence)

    def on_devices_found(self, message: DevicesFound) -> None:
        """Offer them."""
        self.query_one(SettingsForm).set_choices("device", message.choices)

    # Start

    def action_start(self) -> None:
        """Train what the form says, of the lecture that is highlighted, as its file is now."""
        if self._highlighted is not None:
            self._bring(self._highlighted)
        form, lesson = self.query_one(SettingsForm), self._lesson
        if self._problem and lesson is not None:
            self._load(lesson.path)
        elif lesson is None or form.draft is None or form.draft.lecture.path != lesson.path:
            self.notify(_LOADING)
        elif not is_current(form.draft.lecture):
            self._to_start = lesson.path
            self._load(lesson.path)
        elif form.can_start:
            self.app.start_runs(form.draft.runs())
        else:
            problem = next(iter(form.draft.problems().values()), "")
            self.notify(problem or "A run is under way.", severity="warning", markup=False)
