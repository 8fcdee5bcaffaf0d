"""What a model learned, or what it is to learn from: the views that there are of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.markup import escape
from textual.message import Message

from models.user_files.trust import UntrustedSource
from tui_app.app.dialogs.pick_from_list import PickFromList
from tui_app.app.dialogs.trust_question import ask_trust
from tui_app.app.widgets.drawable import while_drawable
from tui_app.app.widgets.view_names import ViewNames
from tui_app.app.widgets.view_page import ViewPage
from tui_app.monitoring.live_view import LiveView
from tui_app.monitoring.model_source import LoadedModel, ModelSource, run_exclusively
from tui_app.monitoring.static_view import StaticView
from tui_app.text.escaping import printable
from tui_app.views import load_view
from tui_app.views.offered import FIRST, TRAITS, offered
from tui_app.views.view import View

if TYPE_CHECKING:
    from tui_app.app.app import TutorchApp

#: Seconds between two looks at a run that another program trains.
_SECONDS = 3.0


class ModelPane(Vertical):
    """Looks only when `show_model` is called, which a screen does while the pane is seen."""

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

    app: TutorchApp

    @dataclass
    class ProbeFinished(Message):
        """A thread has looked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Model"
        self._sight: ModelSource | None = None
        self._still: LoadedModel | None = None
        self._looks: dict[str, LiveView | StaticView] = {}
        self._traits: LiveView | StaticView | None = None
        self._names: tuple[str, ...] = ()
        self._chosen = ""
        self._wanted = ""
        self._untried: list[str] = []
        self._was_trained = False
        self._turned = 0.0
        self._untrusted: UntrustedSource | None = None

    def compose(self) -> ComposeResult:
        """The views' names, and the view."""
        yield ViewNames()
        yield ViewPage()

    # What is looked at

    @while_drawable
    def show_model(self, sight: ModelSource | None, otherwise: str = "") -> None:
        """Show this model, or the sentence `otherwise` where there is none."""
        if sight is None:
            self._sight = self._still = self._traits = self._untrusted = None
            self.query_one(ViewPage).reset()
            self.query_one(ViewPage).show_message(otherwise)
        elif self._sight is None or sight.key != self._sight.key:
            self._turn_to(sight)
        self._poll()

    def _turn_to(self, sight: ModelSource) -> None:
        before = self._sight
        is_same = before is not None and before.place == sight.place
        was_live = before is not None and before.control is not None
        # The user types settings, or another program saves better models all the time: more often,
        # maybe, than they can be looked at.
        if (
            is_same
            and not was_live
            and (time.monotonic() < self._turned + _SECONDS or self._is_looking)
        ):
            return
        self._sight, self._still = sight, None if sight.control else LoadedModel(sight.load)
        self._untrusted = None
        self._looks.clear()
        self._turned = time.monotonic()
        self.border_title = escape(f"Model {printable(sight.title)}")
        self._traits = None
        if is_same and self._names and sight.is_trained:
            self._look()
            return
        self._traits = self._looking_at(TRAITS, sight)
        if is_same and self._names:  # other settings: what is shown stays until these are known
            self._look()
            return
        if self._was_trained != sight.is_trained:
            self._was_trained, self._chosen = sight.is_trained, ""
        self._names = ()
        self.query_one(ViewNames).set_views([])
        self.query_one(ViewPage).reset()
        self.query_one(ViewPage).show_message("Loading the model and its data ...")

    @property
    def _is_looking(self) -> bool:
        looking = self._looks.get(self._chosen)
        return self._traits is not None or (looking is not None and looking.is_busy)

    def _looking_at(self, view: View, sight: ModelSource) -> LiveView | StaticView:
        """The run itself while it trains here, else its model as it is loaded."""
        if sight.control is not None:
            return LiveView(view, sight.control)
        still = self._still = self._still or LoadedModel(sight.load)
        return StaticView(view, still.run_probe, self._in_thread)

    def _offer(self) -> None:
        """Offer the views once it is known which can be had."""
        traits = self._traits
        if traits is None:
            return
        traits.poll()
        if traits.problem:
            self._names, self._traits = (), None
            self.query_one(ViewNames).set_views([])
            self.query_one(ViewPage).reset()
            self.query_one(ViewPage).show_message(traits.problem)
            if isinstance(traits, StaticView) and traits.untrusted is not None:
                self._refuse(traits.untrusted)
        elif traits.snapshot is not None:
            self._traits = None
            names = offered(traits.snapshot.found)
            if names != self._names:
                self._names = names
                titles = [(name, load_view(name).title) for name in names]
                self.query_one(ViewNames).set_views(titles)
            if self._wanted in names:
                self._chosen, self._wanted = self._wanted, ""
                self._untried.clear()
            elif self._chosen not in names:
                self._untried = self._of_interest()
                self._chosen = self._untried.pop(0)
            self._look()

    def _refuse(self, error: UntrustedSource) -> None:
        """Say in the view's place that the run's code isn't trusted, and ask whether it is."""
        self._untrusted = error
        self.query_one(ViewPage).show_message(
            f"{printable(error.sentence)}. Press v to be asked again."
        )
        if self.screen.is_current and self.display:
            self._ask_trust(error)

    def _ask_trust(self, error: UntrustedSource) -> None:
        def load() -> None:
            sight, self._sight = self._sight, None
            self.show_model(sight)

        ask_trust(self.app, error, load)

    def _of_interest(self) -> list[str]:
        """What is shown when nobody chose, the first of these that has something to draw: weights
        moved by hand or the data before training, and then what was learned.
        """
        by_hand = [name for name in self._names if load_view(name).query_after_key is not None]
        if self._sight is not None and not self._sight.is_trained:
            return [*by_hand, FIRST]
        return [*(name for name in self._names if name not in (FIRST, *by_hand)), FIRST]

    def _look(self) -> None:
        """Begin to look at what is chosen."""
        if self._sight is None:
            return
        looking = self._looks.get(self._chosen)
        if looking is None:
            looking = self._looking_at(load_view(self._chosen), self._sight)
            self._looks[self._chosen] = looking
        self.query_one(ViewNames).select(self._chosen)
        self.query_one(ViewPage).show(self._chosen, looking)

    def _in_thread(self, work: Callable[[], None]) -> None:
        queue = self.app.queue
        control = queue.current.control if queue is not None and queue.current.is_alive else None

        def look() -> None:
            work()
            self.post_message(self.ProbeFinished())

        run_exclusively(look, control)

    def on_model_pane_probe_finished(self, message: ProbeFinished) -> None:
        """Show what was found."""
        message.stop()
        self._poll()

    @while_drawable
    def _poll(self) -> None:
        """Show the newest there is, and of when it is."""
        self._offer()
        snapshot, sight = self.query_one(ViewPage).poll(), self._sight
        if snapshot is not None and self._untried:
            if not load_view(self._chosen).can_draw(snapshot.found):
                self._chosen = self._untried.pop(0)
                self._look()
                return
            self._untried.clear()
        if sight is None or not sight.is_trained:
            self.border_subtitle = ""
        elif snapshot is not None and (sight.control is not None or not sight.is_best):
            self.border_subtitle = f"after epoch {snapshot.epoch}, step {snapshot.step}"
        elif snapshot is not None:
            note = self._still.note if self._still is not None else ""
            words = "; ".join(filter(None, [f"best model, of epoch {snapshot.epoch}", note]))
            self.border_subtitle = escape(printable(words))

    # Acts

    def known_views(self, sight: ModelSource) -> tuple[str, ...]:
        """The views of `sight`, if it is what is looked at and they are known."""
        is_known = self._sight is not None and self._sight.key == sight.key and not self._traits
        return self._names if is_known else ()

    def open_view(self, name: str) -> None:
        """Show the view `name`, now or once the views are known."""
        if name in self._names:
            self._choose(name)
        self._wanted = name

    def on_view_names_chosen(self, message: ViewNames.Chosen) -> None:
        """A name was clicked."""
        message.stop()
        self._choose(message.name)

    def action_view(self, by: int) -> None:
        """The next view, or the one before."""
        if self._chosen in self._names:
            self._choose(self._names[(self._names.index(self._chosen) + by) % len(self._names)])

    def action_pick(self) -> None:
        """Choose a view from a list; or answer whether the run's code is trusted."""
        if self._untrusted is not None:
            self._ask_trust(self._untrusted)
            return
        choices = [(load_view(name).title, name) for name in self._names]
        if choices:
            self.app.push_screen(PickFromList(choices, self._chosen), self._choose)

    def _choose(self, name: str | None) -> None:
        if name:
            self._chosen, self._wanted = name, ""
            self._untried.clear()
            self._look()
