"""Reads the keys of a screen from its bindings: for the page of all keys, and for help texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table
from rich.text import Text
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import Screen

from tui_app.app.screens.command_texts import sentence_of
from tui_app.app.widgets.adjustable_chart import action_of_chart

#: The heading above the keys of a widget; other widgets have no keys worth listing.
_TITLES = {
    "Chart": "Chart",
    "Comparison": "Chart",
    "ChoiceField": "Settings",
    "SettingRow": "Settings",
    "SettingsForm": "Settings",
    "ModelPane": "Model",
    "ViewPage": "Model",
    "DrawingPad": "Drawing",
    "LogPane": "Log",
    "ColumnList": "List",
    "ClassList": "List",
}

_HERE, _EVERYWHERE = "This screen", "Everywhere"


#: Keys that Textual binds on a screen.
_BY_SCREEN = {
    "MainScreen": [Binding("enter", "", "In the lectures: go to the settings")],
    "RunsScreen": [Binding("enter", "", "Open the run")],
    "SourceScreen": [Binding("up,down,pageup,pagedown,home,end", "", "Scroll")],
}
_FROM_TEXTUAL = [
    Binding("tab,shift+tab", "", "Go to the next field or pane, or back"),
]


@dataclass
class Section:
    """Keys under one heading: sentences, each with its keys."""

    title: str
    rows: dict[str, list[str]] = field(default_factory=dict)

    def add(self, binding: Binding, kind: type) -> None:
        """Add the keys of a binding of class `kind`."""
        keys = self.rows.setdefault(_sentence(binding, kind), [])
        keys += [name for key in binding.key.split(",") if (name := key_name(key)) not in keys]


def sections_of(screen: Screen[Any]) -> list[Section]:
    """Collect the keys of a screen: those of the focused widget first, those of the app last."""
    here, everywhere = Section(_HERE), Section(_EVERYWHERE)
    for binding in [*bindings_of(screen), *_BY_SCREEN.get(type(screen).__name__, ())]:
        here.add(binding, type(screen))
    for binding in [*bindings_of(screen.app), *_FROM_TEXTUAL]:
        everywhere.add(binding, type(screen.app))
    seen = {*here.rows, *everywhere.rows}
    focused: list[DOMNode] = [] if screen.focused is None else [*screen.focused.ancestors_with_self]
    of_widgets: dict[str, Section] = {}
    for widget in [*focused, *screen.query("*")]:
        for binding in bindings_of(widget):
            title = _TITLES.get(type(widget).__name__)
            if title is not None and _sentence(binding, type(widget)) not in seen:
                of_widgets.setdefault(title, Section(title)).add(binding, type(widget))
    in_focus = {_TITLES.get(type(node).__name__) for node in focused}
    first = [section for title, section in of_widgets.items() if title in in_focus]
    others = [section for title, section in of_widgets.items() if title not in in_focus]
    return [section for section in [*first, here, *others, everywhere] if section.rows]


def bindings_of(node: DOMNode) -> Iterator[Binding]:
    """Yield the bindings that tutorch's classes give `node`, those of its own class first."""
    for kind in type(node).__mro__:
        if kind.__module__.startswith("tui_app."):
            yield from (b for b in vars(kind).get("BINDINGS", ()) if isinstance(b, Binding))


def with_keys(text: str, screen: Screen[Any]) -> str:
    """Replace each `{action}` in `text` by its key, as bound by the widget nearest to the focus."""
    focused = [] if screen.focused is None else screen.focused.ancestors_with_self
    keys: dict[str, str] = {}
    for node in (*focused, screen, *screen.query("*"), screen.app):
        for binding in bindings_of(node):
            keys.setdefault(action_of_chart(binding.action), key_name(binding.key.split(",")[0]))
    return re.sub(r"\{(.+?)\}", lambda match: f"`{keys[match[1]]}`", text)


def _sentence(binding: Binding, kind: type) -> str:
    return "Go to a pane" if binding.action.startswith("pane(") else sentence_of(binding, kind)


def key_name(key: str) -> str:
    """Format a key: `ctrl+s`, `F5`, `/`."""
    *modifiers, last = key.strip().split("+")
    named = format_key(last)
    return "+".join([*modifiers, named.upper() if named[:1] == "f" and named[1:] else named])


def keys_table(sections: Iterable[Section]) -> Table:
    """Draw the sections as one table, a line for each sentence."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(max_width=20)
    table.add_column(ratio=1)
    for place, section in enumerate(sections):
        if place:
            table.add_row()
        table.add_row(Text(section.title, "bold underline"))
        for sentence, keys in section.rows.items():
            table.add_row(Text(" ".join(keys), "bold"), Text(sentence))
    return table
