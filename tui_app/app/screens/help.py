"""Help in sentences for the focused pane, the screen or the dialog; and the page of all keys."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.table import Table
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Markdown, Static

from tui_app.app.screens.keys import keys_table, sections_of

_PLACES = {
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
explained below. A dot marks what differs from the lecture's defaults; F9 resets a field, `ctrl+y`
all of them. `ctrl+z` undoes a change, also a reset and what `d` has set; `ctrl+r` redoes it.

Enter in a field goes on to the next one, Escape leaves it: digits and letters are keys again. The
arrow keys and Enter go back into a field.

Several values with commas between (`0.1,0.01`) make one run each, with the same seed, one after
another. In a list of choices, "several" at its end lets you type them.

**Your own data.** The list of data sets ends in "your own table" and "your own images"; `p` does
the same, and shows the columns or classes of what is chosen. `csv:FILE` and `folder:DIR` can be
typed too.

A lecture file of your own is loaded again when it has changed: with Start, and when it is picked.
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
sample, a layer, a cell of the matrix), Enter zooms in or lets you type, Escape goes back.

**By hand** (lectures 2 and 3): the arrow keys move the weight, and the cost follows; with shift
they move it less, Home restarts.

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
**One run.** Its chart and its log, read from its folder. If another program trains it, both grow,
and the keys of the Training pane pause, change, save and stop it. `7` shows what its best model
learned, and the chart again; `d` sets the form as the advice says. On a narrow terminal `i` shows
the settings and the note in place of the log.
""",
    "compare": """\
**Compare.** The curves of the marked runs in one chart, named by the settings in which they differ.
`m` changes the metric, `g` and `a` the axes, `+` and `-` smooth the curves.
""",
    "source": """\
**Source.** The file of the lecture as it is trained: the lesson, the model and its settings. The
arrow keys and Page Down scroll.
""",
    "choicequestion": """\
**A question.** Choose an answer with the arrow keys and Enter, or press its letter. Escape cancels.
""",
    "trustquestion": """\
**Code that isn't tutorch's.** To load a lecture is to run its file. Read this one before you
trust it: nothing keeps it from reading, changing or sending your files. What you trust is
remembered until it changes; `tutorch doctor` says where. If you don't, it isn't loaded, and you can
be asked again.
""",
    "pickfromlist": """\
**A list.** Choose with the arrow keys and Enter. Escape changes nothing.
""",
    "pickpath": """\
**A file or a folder.** Type its path, or a part of its name: the list shows what fits. The arrow
keys and Enter choose from the list, Tab completes, Backspace behind a `/` goes to the folder above.
Names that begin with a dot appear once a dot is typed; `ctrl+t` shows all files.
""",
    "tabledialog": """\
**A table.** Only its beginning is read. `t` chooses the column to predict, `space` leaves a column
out or uses it; Tab goes to the first rows. Enter sets the form to these data, Escape changes
nothing.
""",
    "folderdialog": """\
**A folder of images.** One folder a class; where there are folders called train and test, they are
the split. The arrow keys choose a class and another image of it. Enter sets the form to these data.
""",
    "textquestion": """\
**A value.** Type it; what is wrong with it appears below. Enter takes it, Escape changes nothing.
""",
}

_TITLES = {
    "main": "main screen",
    "run": "one run",
    "pickpath": "file or folder",
    "tabledialog": "table",
    "folderdialog": "folder of images",
}


def keys_page(screen: Screen[Any]) -> HelpScreen:
    """All keys of a screen."""
    return HelpScreen(f"Keys: {_title(screen)}", keys_table(sections_of(screen)))


def help_page(screen: Screen[Any]) -> HelpScreen:
    """Help for the focused pane, or for the screen or dialog."""
    return HelpScreen("Help", help_for(screen))


def help_for(screen: Screen[Any]) -> str:
    """The text of help for what has the focus."""
    focused = screen.focused
    places = [] if focused is None else [str(w.id) for w in focused.ancestors_with_self if w.id]
    places += [kind.__name__.removesuffix("Screen").lower() for kind in type(screen).__mro__]
    text = next((_PLACES[place] for place in places if place in _PLACES), _PLACES["lectures"])
    return text if screen.is_modal else f"{text}\n\n`?` shows all keys of this screen."


def _title(screen: Screen[Any]) -> str:
    name = type(screen).__name__.removesuffix("Screen").lower()
    return _TITLES.get(name, name)


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
        Binding("escape,q,question_mark,f1,enter", "app.pop_screen", "Back"),
        Binding("ctrl+q,ctrl+c", "app.quit", "Quit", show=False),
    ]

    def __init__(self, title: str, content: str | Table) -> None:
        super().__init__()
        self._title = title
        self._content = content

    def compose(self) -> ComposeResult:
        """The page."""
        with VerticalScroll() as scroll:
            scroll.border_title, scroll.border_subtitle = self._title, "Esc: back"
            yield (
                Markdown(self._content) if isinstance(self._content, str) else Static(self._content)
            )
