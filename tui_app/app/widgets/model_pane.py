"""Shows views of a model: what it has learned, and what it learns from."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.markup import escape
from textual.message import Message

from models.user_files.trust import UntrustedSource
from tui_app.app.app_interface import AppInterface
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.view_choice import ViewChoice
from tui_app.app.widgets.view_names import ViewNames
from tui_app.app.widgets.view_page import ViewPage
from tui_app.monitoring.live_view import LiveView
from tui_app.monitoring.model_source import LoadedModel, ModelSource, run_exclusively
from tui_app.monitoring.static_view import StaticView
from tui_app.text.escaping import printable
from tui_app.views import load_view
from tui_app.views.offered import TRAITS, offered
from tui_app.views.view import View

#: Seconds until the pane shows another model of the same run, or with other settings.
_SECONDS = 3.0


class ModelPane(Vertical):
    """Runs probes only when the screen calls `show_model`: while the pane is visible."""

    DEFAULT_CSS = """
    ModelPane {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        &.-focused { border: round $border; border-title-color: $text; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket", "view(1)", "Next view", show=False),
        Binding("left_square_bracket", "view(-1)", "View before", show=False),
        Binding("v", "pick", "Views", show=False),
    ]

    app: AppInterface

    @dataclass
    class ProbeFinished(Message):
        """A thread has finished a probe."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Model"
        self._source: ModelSource | None = None
        self._loaded: LoadedModel | None = None
        self._open_views: dict[str, LiveView | StaticView] = {}
        self._traits: LiveView | StaticView | None = None
        self._choice = ViewChoice()
        self._was_trained = False
        self._switched_at = 0.0
        self._untrusted: UntrustedSource | None = None

    def compose(self) -> ComposeResult:
        """Create the views' names, and the view."""
        yield ViewNames()
        yield ViewPage()

    # The model that is shown

    @while_drawable
    def show_model(self, source: ModelSource | None, otherwise: str = "") -> None:
        """Show this model, or without one the sentence `otherwise`."""
        if source is None:
            self._source = self._loaded = self._traits = self._untrusted = None
            self.query_one(ViewPage).reset()
            self.query_one(ViewPage).show_message(otherwise)
        elif self._source is None or source.key != self._source.key:
            self._switch_to(source)
        self._poll()

    def _switch_to(self, source: ModelSource) -> None:
        before = self._source
        is_same = before is not None and before.place == source.place
        was_live = before is not None and before.control is not None
        # While the user types settings or another program saves better models, the model may change
        # faster than probes run.
        if (
            is_same
            and not was_live
            and (time.monotonic() < self._switched_at + _SECONDS or self._is_probing)
        ):
            return
        self._source, self._loaded = source, None if source.control else LoadedModel(source.load)
        self._untrusted = None
        self._open_views.clear()
        self._switched_at = time.monotonic()
        self.border_title = escape(f"Model {printable(source.title)}")
        self._traits = None
        if is_same and self._choice.names and source.is_trained:
            self._show_chosen()
            return
        self._traits = self._open(TRAITS, source)
        if (
            is_same and self._choice.names
        ):  # the view stays until the new settings' traits are known
            self._show_chosen()
            return
        if self._was_trained != source.is_trained:
            self._was_trained, self._choice.chosen = source.is_trained, ""
        self._choice.names = ()
        self.query_one(ViewNames).set_views([])
        self.query_one(ViewPage).reset()
        self.query_one(ViewPage).show_message("Loading the model and its data ...")

    @property
    def _is_probing(self) -> bool:
        opened = self._open_views.get(self._choice.chosen)
        return self._traits is not None or (opened is not None and opened.is_busy)

    def _open(self, view: View, source: ModelSource) -> LiveView | StaticView:
        """Open a view of the run while this program trains it, else of its loaded model."""
        if source.control is not None:
            return LiveView(view, source.control)
        loaded = self._loaded = self._loaded or LoadedModel(source.load)
        return StaticView(view, loaded.run_probe, self._start_probe)

    def _read_traits(self) -> None:
        """List the views that the model has, once its traits are known."""
        traits = self._traits
        if traits is None:
            return
        traits.poll()
        if traits.problem:
            self._choice.names, self._traits = (), None
            self.query_one(ViewNames).set_views([])
            self.query_one(ViewPage).reset()
            self.query_one(ViewPage).show_message(traits.problem)
            if isinstance(traits, StaticView) and traits.untrusted is not None:
                self._show_untrusted(traits.untrusted)
        elif traits.snapshot is not None:
            self._traits = None
            before, is_trained = self._choice.names, self._source is None or self._source.is_trained
            self._choice.set_names(offered(traits.snapshot.found), is_trained=is_trained)
            if self._choice.names != before:
                self.query_one(ViewNames).set_views(self._choice.titles)
            self._show_chosen()

    def _show_untrusted(self, error: UntrustedSource) -> None:
        """Say in the view's place that the code isn't trusted, and ask whether to trust it."""
        self._untrusted = error
        self.query_one(ViewPage).show_message(
            f"{printable(error.sentence)}. Press v to be asked again."
        )
        if self.screen.is_current and self.display:
            self._ask_trust(error)

    def _ask_trust(self, error: UntrustedSource) -> None:
        def load() -> None:
            source, self._source = self._source, None
            self.show_model(source)

        self.app.ask_trust(error, load)

    def _show_chosen(self) -> None:
        """Show the chosen view."""
        if self._source is None:
            return
        opened = self._open_views.get(self._choice.chosen)
        if opened is None:
            opened = self._open(load_view(self._choice.chosen), self._source)
            self._open_views[self._choice.chosen] = opened
        self.query_one(ViewNames).select(self._choice.chosen)
        self.query_one(ViewPage).show(self._choice.chosen, opened)

    def _start_probe(self, work: Callable[[], None]) -> None:
        queue = self.app.queue
        run = queue.current if queue is not None else None
        control = run.loop_control if run is not None and run.is_alive else None

        def probe() -> None:
            work()
            self.post_message(self.ProbeFinished())

        run_exclusively(probe, control)

    def on_model_pane_probe_finished(self, message: ProbeFinished) -> None:
        """Show what the probe found."""
        message.stop()
        self._poll()

    @while_drawable
    def _poll(self) -> None:
        """Show the newest snapshot, and when it was taken."""
        self._read_traits()
        snapshot, source = self.query_one(ViewPage).poll(), self._source
        if snapshot is not None and self._choice.reject(snapshot.found):
            self._show_chosen()
            return
        if source is None or not source.is_trained:
            self.border_subtitle = ""
        elif snapshot is not None and (source.control is not None or not source.is_best):
            self.border_subtitle = f"after epoch {snapshot.epoch}, step {snapshot.step}"
        elif snapshot is not None:
            note = self._loaded.note if self._loaded is not None else ""
            words = "; ".join(filter(None, [f"best model, of epoch {snapshot.epoch}", note]))
            self.border_subtitle = escape(printable(words))

    # Actions

    def known_views(self, source: ModelSource) -> tuple[str, ...]:
        """The views of `source`, if the pane shows it and has read its traits."""
        is_known = self._source is not None and self._source.key == source.key and not self._traits
        return self._choice.names if is_known else ()

    def open_view(self, name: str) -> None:
        """Show the view `name`, now or once the views are known."""
        self._choice.request(name)
        if name in self._choice.names:
            self._show_chosen()

    def on_view_names_chosen(self, message: ViewNames.Chosen) -> None:
        """Show the view whose name was clicked."""
        message.stop()
        self._choose(message.name)

    def action_view(self, by: int) -> None:
        """Show the next view, or the one before."""
        if self._choice.chosen in self._choice.names:
            self._choose(self._choice.after(by))

    def action_pick(self) -> None:
        """Choose a view from a list, or decide whether to trust the run's code."""
        if self._untrusted is not None:
            self._ask_trust(self._untrusted)
            return
        choices = [(title, name) for name, title in self._choice.titles]
        if choices:
            self.app.choose_from_list(choices, self._choice.chosen, self._choose)

    def _choose(self, name: str | None) -> None:
        if name:
            self._choice.choose(name)
            self._show_chosen()
