"""Explains the focused setting below the form, or says what has just happened."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.widgets import Static

from models.fields import Field
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.text.cells import cut
from tui_app.text.escaping import printable

_UNCHANGED = "All settings at the lecture's defaults."
_CHANGED = "● marks settings that differ from the lecture's defaults."
_FINDS_LR = "F7 finds one while no run trains."
_OWN_DATA = "Your own data. p shows them, and chooses columns or other data."
_SEVERAL = (
    "Several values, as in 0.1,0.01, make one run each; a range, as in 1e-4..1:log, a search."
)


class SettingHelp(Static):
    """As high as its text, at most about half of the screen; a longer text is cut."""

    DEFAULT_CSS = """
    SettingHelp {
        height: auto;
        min-height: 4;
        padding: 0 1;
        color: $text-muted;
        border-top: solid $foreground 25%;
        &.-wrong { color: $text-error; }
    }
    """

    def __init__(self, text: str) -> None:
        super().__init__(markup=False)
        self._text = text

    def on_mount(self) -> None:
        """Show the first text."""
        self._fit()

    def show(self, text: str, *, wrong: bool = False) -> None:
        """Show this text."""
        self.set_class(wrong, "-wrong")
        if text != self._text:
            self._text = text
            self._fit()

    def on_resize(self) -> None:
        """Break the lines again."""
        self._fit()

    def _fit(self) -> None:
        width, most = self.scrollable_content_region.width, self.screen.size.height // 2 - 4
        if self.parent is None or not width:
            self.update(self._text)
            return
        lines = list(Text(self._text).wrap(self.app.console, width))
        if len(lines) > most > 0:
            rest = Text(" ").join(lines[most - 1 :])
            lines = [*lines[: most - 1], cut(rest, width)]
        self.update("\n".join(line.plain.rstrip() for line in lines))


def explanation(draft: SettingsDraft, name: str, cut_text: str) -> str:
    """What the setting `name` means and which values are allowed, below the text that its row cuts;
    without a name, whether settings were changed.
    """
    if name not in draft.fields:
        return f"{_CHANGED if draft.texts else _UNCHANGED} {_SEVERAL}"
    field = draft.fields[name]
    allowed = "" if field.kind is str and not field.choices else field.allowed_values_sentence
    text = f"{field.help} {allowed}".rstrip() if draft.is_useful(name) else _only_with(draft, field)
    if name == "lr":
        text = f"{text} {_FINDS_LR}"
    if name == "dataset" and draft.own_data is not None:
        cut_text, text = printable(draft.own_data.dataset), _OWN_DATA
    return f"{cut_text}\n{text}" if cut_text else text


def _only_with(draft: SettingsDraft, field: Field) -> str:
    unmet = next(rule for rule in field.only_with if not draft.allows(rule))
    return f"{field.help} Used only while {unmet.field.replace('_', ' ')} is {unmet}."


def start_label(draft: SettingsDraft, problems: Mapping[str, str]) -> str:
    """What Start starts: a run, several, or a search."""
    if draft.is_search:
        return "Search ..."
    runs = 0 if problems else len(draft.runs())
    return f"Start {runs} runs" if runs > 1 else "Start"
