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

from tui_app.following.sight import Sight, Still, look_alone
from tui_app.screens.pick import Pick
from tui_app.training.narrate import printable
from tui_app.views import load_view
from tui_app.views.live import LiveView
from tui_app.views.still import StillView
from tui_app.widgets.drawable import is_drawable, while_drawable
from tui_app.widgets.view_names import ViewNames
from tui_app.widgets.view_page import ViewPage

if TYPE_CHECKING:
    from tui_app.app import TutorchApp

#: What every model has to see, before the views of its lecture.
_FIRST = ("data",)

#: Seconds between two looks at a run that another program trains.
_SECONDS = 3.0


class ModelPane(Vertical):
    """Looks only when `look_at` is called, which a screen does while the pane is seen."""

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
    class Prepared(Message):
        """The views of the model `key` are known, or why they aren't."""

        key: object
        views: tuple[str, ...]
        problem: str = ""

    @dataclass
    class Looked(Message):
        """A thread has looked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Model"
        self._sight: Sight | None = None
        self._still: Still | None = None
        self._looks: dict[str, LiveView | StillView] = {}
        self._names: tuple[str, ...] = ()
        self._chosen = ""
        self._wanted = ""
        self._untried: list[str] = []
        self._was_trained = False
        self._turned = 0.0

    def compose(self) -> ComposeResult:
        """The views' names, and the view."""
        yield ViewNames()
        yield ViewPage()

    # What is looked at

    @while_drawable
    def look_at(self, sight: Sight | None, otherwise: str = "") -> None:
        """Show this model, or the sentence `otherwise` where there is none."""
        if sight is None:
            self._sight = self._still = None
            self.query_one(ViewPage).forget()
            self.query_one(ViewPage).say(otherwise)
        elif self._sight is None or sight.key != self._sight.key:
            self._turn_to(sight)
        self._poll()

    def _turn_to(self, sight: Sight) -> None:
        before = self._sight
        is_same = before is not None and before.place == sight.place
        was_live = before is not None and before.control is not None
        # Somebody types settings, or another program saves better models all the time: more often,
        # maybe, than they can be looked at.
        if (
            is_same
            and not was_live
            and (time.monotonic() < self._turned + _SECONDS or self._is_looking)
        ):
            return
        self._sight, self._still = sight, None if sight.control else Still(sight.load)
        self._looks.clear()
        self._turned = time.monotonic()
        self.border_title = escape(f"Model {printable(sight.title)}")
        if is_same and self._names:
            self._look()
            return
        if self._was_trained != sight.is_trained:
            self._was_trained, self._chosen = sight.is_trained, ""
        self._names = ()
        self.query_one(ViewPage).forget()
        self.query_one(ViewPage).say("Loading the model and its data ...")
        self.run_worker(lambda: self._prepare(sight), thread=True, group="views")

    @property
    def _is_looking(self) -> bool:
        looking = self._looks.get(self._chosen)
        return looking is not None and looking.is_busy

    def _prepare(self, sight: Sight) -> None:
        """Ask for the lecture's views, in a thread."""
        self.post_message(self.Prepared(sight.key, *views_of(sight)))

    async def on_model_pane_prepared(self, message: Prepared) -> None:
        """Offer the views."""
        message.stop()
        if self._sight is None or message.key != self._sight.key:
            return
        self._names = message.views
        if self._wanted in self._names:
            self._chosen, self._wanted = self._wanted, ""
            self._untried.clear()
        elif self._names and self._chosen not in self._names:
            self._untried = self._of_interest()
            self._chosen = self._untried.pop(0)
        await self.query_one(ViewNames).offer([(n, load_view(n).title) for n in self._names])
        if not is_drawable(self):  # the app was left meanwhile
            return
        if message.problem:
            self.query_one(ViewPage).say(message.problem)
        else:
            self._look()

    def _of_interest(self) -> list[str]:
        """What is shown when nobody chose, the first of these that has something to draw: weights
        moved by hand or the data before training, and then what was learned.
        """
        by_hand = [name for name in self._names if load_view(name).moves is not None]
        if self._sight is not None and not self._sight.is_trained:
            return [*by_hand, *_FIRST]
        return [*(name for name in self._names if name not in (*_FIRST, *by_hand)), *_FIRST]

    def _look(self) -> None:
        """Begin to look at what is chosen, from the run itself while it trains here."""
        sight, view = self._sight, load_view(self._chosen)
        if sight is None:
            return
        looking = self._looks.get(self._chosen)
        if looking is None and sight.control is not None:
            looking = LiveView(view, sight.control)
        elif looking is None:
            still = self._still = self._still or Still(sight.load)
            looking = StillView(view, still.look, self._in_thread)
        self._looks[self._chosen] = looking
        self.query_one(ViewNames).select(self._chosen)
        self.query_one(ViewPage).show(self._chosen, looking)

    def _in_thread(self, work: Callable[[], None]) -> None:
        queue = self.app.queue
        control = queue.current.control if queue is not None and queue.current.is_alive else None

        def look() -> None:
            work()
            self.post_message(self.Looked())

        look_alone(look, control, lambda w: self.run_worker(w, thread=True, group="look"))

    def on_model_pane_looked(self, message: Looked) -> None:
        """Show what was found."""
        message.stop()
        self._poll()

    def _poll(self) -> None:
        """Show the newest there is, and of when it is."""
        snapshot, sight = self.query_one(ViewPage).poll(), self._sight
        if snapshot is not None and self._untried:
            if not load_view(self._chosen).shows(snapshot.found):
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
        """Choose a view from a list."""
        choices = [(load_view(name).title, name) for name in self._names]
        if choices:
            self.app.push_screen(Pick(choices, self._chosen), self._choose)

    def _choose(self, name: str | None) -> None:
        if name:
            self._chosen, self._wanted = name, ""
            self._untried.clear()
            self._look()


def views_of(sight: Sight) -> tuple[tuple[str, ...], str]:
    """The names of the views there are of a model, or none and why. Reads files."""
    from tui_app.failures import known

    try:
        return (*_FIRST, *sight.views()), ""
    except Exception as error:  # noqa: BLE001  what can't be seen is said in its place
        sentence = known(error)
        return (), sentence[0] if sentence else f"{type(error).__name__}: {error}"
