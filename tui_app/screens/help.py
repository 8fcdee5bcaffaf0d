"""Help in whole sentences: for the pane that has the focus, and all keys."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Markdown

_PANES = {
    "lectures": """\
**Lectures.** The course in its order. The arrow keys look at a lecture: its lesson and its
settings appear. Enter goes to its settings. A green dot means that it has been trained, and gives
the best result so far.
""",
    "lesson": """\
**Lesson.** What the lecture teaches, with things to try. `z` changes between English and Chinese,
`o` shows the file that is trained.
""",
    "settings": """\
**Settings.** What the next run is trained with. Each value is checked while it is typed, and
explained below. A dot marks what you changed; `ctrl+z` or F9 sets a field back, `ctrl+y` all of
them. Several values with commas between (`0.1,0.01`) make one run each, with the same seed, one
after another. In a list of choices, "several" at its end lets you type them.
""",
    "training": """\
**Training.** The chart of the run. Faint is the loss of each step, and the line is the same
smoothed (`+` and `-`). `g` changes to a logarithmic scale, `a` between steps, epochs and seconds,
`m` between loss and accuracy. The arrow keys move a cursor that reads values off.
While it trains: `space` pauses and goes on, `.` takes one step, `e` goes to the end of the epoch,
`l` changes the learning rate, `w` saves, `x` saves and stops.
A line that begins with `!` says what goes wrong, and `d` sets the form as it advises.
""",
    "model": """\
**Model.** What the model is made of, what it has learned so far, and what it learns from: of the
run that trains, else of the best model of the last one, else as it is before training. `[` and `]`
go to the view before and the next, `v` lists them. The arrow keys go from place to place (a
sample, a layer, a cell of the matrix), Enter looks closer or lets you type, Escape goes back.
**By hand** (lectures 2 and 3): the arrow keys move the weight, and the cost answers; with shift
they move it less, Home begins anew.
**Draw** (lectures 9 to 11): with the mouse, or with the arrow keys after `space` has lowered the
pen; `c` clears.
""",
    "log": """\
**Log.** Everything worth reading of a run, and whatever libraries printed while it trained.
`/` searches, `n` goes to the next line found, `c` copies all of it.
""",
    "runs": """\
**Runs.** Every run folder, also of those that trained without the app. Enter opens one. `space`
marks several: `c` compares them, `d` moves them to the trash, or else the run at the cursor, and
`u` brings back what was moved last. `g` resumes a run, `e` gives it more epochs, `n` fills the form
with its settings, `t` writes a note. The lines below the table have what it has no room for; an
opened run has all of its settings and its note (`i` on a narrow terminal). `/` filters the table
and `s` sorts.
""",
    "run": """\
**A run.** Its chart and its log, from its folder. If another program trains it, both grow.
The keys of the chart are those of the training pane. `7` shows what its best model learned, and the
chart again; `d` sets the form as is advised. On a narrow terminal `i` shows the settings and the
note in place of the log.
""",
}

_KEYS = """\
| key | what it does |
|---|---|
| `1` to `7` | go to a pane |
| `tab`, `shift+tab` | go to the next field, or the one before |
| `s`, `F5` | start training |
| `space`, `F6` | pause, and go on |
| `.` | while paused: one step |
| `e` | while paused: to the end of the epoch |
| `l`, `F7` | change the learning rate |
| `w`, `ctrl+s` | save now |
| `x`, `F8` | save and stop; cancel what is loading |
| `d` | set the form as is advised |
| `[`, `]`, `v` | in the Model pane: other views |
| arrow keys, `n`, `p`, `Home` | in the Model pane: other places |
| `+`, `-` | smooth more, or less |
| `g` | logarithmic scale |
| `a` | steps, epochs or seconds |
| `m` | loss and accuracy, or one of them |
| `left`, `right` | with the chart focused: read values off |
| `ctrl+z`, `F9` | set this field back |
| `ctrl+y`, `shift+F9` | set all fields back |
| `r`, `F3` | the runs |
| `o`, `F4` | the lecture's own file |
| `z` | the lesson in English or Chinese |
| `/` | search the log, filter the runs |
| `:`, `ctrl+p` | every act by its name |
| `F1` | help for the pane that has the focus |
| `q`, `ctrl+q`, `ctrl+c` | leave |
"""


def keys_text() -> str:
    """All keys."""
    return _KEYS


def help_for(screen: Screen[Any]) -> str:
    """Help for what has the focus."""
    focused = screen.focused
    places = [] if focused is None else [str(w.id) for w in focused.ancestors_with_self if w.id]
    places.append(type(screen).__name__.removesuffix("Screen").lower())
    text = next((_PANES[place] for place in places if place in _PANES), _PANES["lectures"])
    return f"{text}\n\n`?` shows all keys."


class HelpScreen(ModalScreen[None]):
    """A page of help over the screen."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 76; max-width: 96%; height: auto; max-height: 90%;
            border: round $border; border-title-color: $text; background: $surface; padding: 0 1;
        }
        & Markdown { padding: 0; background: $surface; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "app.pop_screen", "Back")
    ]

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        """The page."""
        with VerticalScroll() as scroll:
            scroll.border_title, scroll.border_subtitle = self._title, "Escape goes back"
            yield Markdown(self._text)
