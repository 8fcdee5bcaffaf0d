"""Fills the command palette: commands, lectures, and the views of the model on the screen."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.style import Style

from models import Lesson
from tui_app.app.app_interface import AppInterface
from tui_app.app.screens.command_texts import sentence_of
from tui_app.app.screens.keys import bindings_of, key_name
from tui_app.app.screens.live_screen import ModelScreen
from tui_app.app.widgets.model_pane import ModelPane
from tui_app.monitoring.model_source import ModelSource, request_traits
from tui_app.views import load_view
from tui_app.views.offered import offered

#: The beginnings of actions that are left out: they move a cursor, which needs a key.
_MOVES = ("move(", "go(", "step(", "edit", "open", "leave", "scroll_", "command_palette")

#: The score of a word that is found: at the beginning of a word, within one, or in text that the
#: entry doesn't show.
_BEGINS, _WITHIN, _HIDDEN = 3.0, 2.0, 1.0

#: Seconds to wait for the views of the model.
_WAITING = 10.0


@dataclass(frozen=True)
class Entry:
    """A line of the palette, with a dimmed `note` behind it; hidden `words` are searched too."""

    title: str
    run: Callable[[], Any]
    note: str = ""
    words: str = ""

    def score(self, query: str) -> float:
        """Return how well the entry matches; 0 unless it holds every word of `query`."""
        title, hidden = self.title.casefold(), f"{self.note} {self.words}".casefold()
        total = 0.0
        for word in query.casefold().split():
            if word in title:
                total += _BEGINS if f" {title}".find(f" {word}") >= 0 else _WITHIN
            elif word in hidden:
                total += _HIDDEN
            else:
                return 0.0
        return total

    def shown(self, query: str = "", style: Style | str = "bold") -> Content:
        """Return the line with the words of `query` marked."""
        content = Content(self.title)
        for word in query.casefold().split():
            start = self.title.casefold().find(word)
            if start >= 0:
                content = content.stylize(style, start, start + len(word))
        return Content.assemble(content, (f"  {self.note}", "dim")) if self.note else content


class _Entries(Provider):
    """Searches entries, in their order."""

    _entries: tuple[Entry, ...] = ()

    async def discover(self) -> Hits:
        """Yield all entries."""
        for entry in self._entries:
            yield DiscoveryHit(entry.shown(), entry.run, text=entry.title)

    async def search(self, query: str) -> Hits:
        """Yield the entries that hold every word of `query`."""
        for entry in self._entries:
            score = entry.score(query)
            if score:
                shown = entry.shown(query, self.match_style or "bold")
                yield Hit(score, shown, entry.run, text=entry.title)


class Palette(_Entries):
    """The commands of the screen, the lectures and the commands of the app."""

    async def startup(self) -> None:
        """Gather the commands and the lectures."""
        app: AppInterface = self.app  # pyright: ignore[reportAssignmentType]
        self._entries = (*self._commands(), *_lectures(app), *_of_the_app(app))

    def _commands(self) -> Iterator[Entry]:
        """Yield each command that is enabled now, with its keys."""
        found: dict[str, tuple[Binding, Any, list[str]]] = {}
        for key, active in self.screen.active_bindings.items():
            binding = active.binding
            own = {each.action for each in bindings_of(active.node)}
            is_command = binding.action in own and not binding.action.startswith(_MOVES)
            if active.enabled and is_command:
                sentence = sentence_of(binding, type(active.node))
                found.setdefault(sentence, (binding, active.node, []))[2].append(key_name(key))
        for sentence, (binding, node, keys) in found.items():
            if sentence:
                run = partial(self.app.run_action, binding.action, node)
                yield Entry(sentence, run, " ".join(keys), binding.description)


class ViewPalette(_Entries):
    """The views of the model that the screen shows. A provider of its own, since a
    model may have to be loaded to know them.
    """

    async def startup(self) -> None:
        """Gather the views."""
        screen = self.screen
        if not isinstance(screen, ModelScreen):
            return
        source = screen.model_source()
        if source is not None:
            known = self.screen.query_one(ModelPane).known_views(source)
            names = known or await self._views_of(source)
            self._entries = tuple(
                Entry(f"View: {load_view(name).title}", partial(screen.open_view, name), words=name)
                for name in names
            )

    async def _views_of(self, source: ModelSource) -> tuple[str, ...]:
        """Return the names of the model's views; none where it can't be loaded."""
        app: AppInterface = self.app  # pyright: ignore[reportAssignmentType]
        queue = app.queue
        control = queue.current.loop_control if queue is not None and queue.is_alive else None
        answer = asyncio.wrap_future(request_traits(source, control))
        try:
            return offered((await asyncio.wait_for(answer, _WAITING)).found)
        except (asyncio.CancelledError, Exception):  # noqa: BLE001  the pane says what is wrong
            return ()


def _lectures(app: AppInterface) -> Iterator[Entry]:
    for lesson in app.lessons:
        choose = partial(app.choose_lecture, lesson.path)
        yield Entry(_title(lesson, chinese=app.shows_chinese), choose)


def _title(lesson: Lesson, *, chinese: bool) -> str:
    title = f"Lecture {lesson.number}: {lesson.title}" if lesson.number else lesson.title
    return f"{title} · {lesson.title_zh}" if chinese and lesson.title_zh != lesson.title else title


def _of_the_app(app: AppInterface) -> Iterator[Entry]:
    yield Entry("Change the colours", app.action_change_theme, words="theme dark light color")
    if os.name == "posix":
        yield Entry("Suspend tutorch: `fg` brings it back", app.action_suspend_process, words="job")
    screenshot = "Save a picture of the screen as SVG"
    yield Entry(screenshot, lambda: app.set_timer(0.1, app.deliver_screenshot), words="screenshot")
