"""The form: every setting of a lecture, checked while it is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Label, Static

from models.fields import Field
from tui_app.draft import Draft
from tui_app.messages import SettingChanged, SettingFocused, SettingReset, StartRequested
from tui_app.widgets.drawable import is_drawable
from tui_app.widgets.setting_row import SettingRow

#: The first of the settings that every lecture has.
_FIRST_OPTION = "validation"

_LOADING = "The settings appear as soon as torch is loaded."
_AS_TAUGHT = "All is as the lecture has it."
_CHANGED = "● marks what is not as the lecture has it."
_SEVERAL = "Several values, as in 0.1,0.01, make one run each."


class _Rows(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with what has the focus; the arrow keys go from row to row."""


class SettingsForm(Vertical):
    """Rows made from a draft, one sentence about the one that is being set, and Start."""

    DEFAULT_CSS = """
    SettingsForm {
        border: round $foreground 25%;
        border-title-color: $text-muted;
        &.-focused { border: round $border; border-title-color: $text; }
        & > _Rows { height: 1fr; scrollbar-size-vertical: 1; }
        & .problem { height: auto; padding-left: 2; color: $text-error; }
        & .group { color: $text-muted; text-style: dim; padding: 0 2; margin-top: 1; width: 1fr; }
        & > #about { height: 4; padding: 0 1; color: $text-muted; }
        & > #about { border-top: solid $foreground 25%; }
        & > #about.-wrong { color: $text-error; }
        & > Button { width: 1fr; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+f9,ctrl+y", "reset_all", "Set all back", show=False),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.border_title = "Settings"
        self.draft: Draft | None = None
        self._choices: dict[str, Sequence[tuple[str, str]]] = {}
        self._focused = ""
        self._is_busy = False

    def compose(self) -> ComposeResult:
        """The rows come with the first draft."""
        yield _Rows()
        yield Static(_LOADING, id="about", markup=False)
        yield Button("Start", variant="primary", compact=True, disabled=True)

    def wait(self) -> None:
        """Take no edit and no start until the next `fill`."""
        self.draft = None
        self.query_one(Button).disabled = True

    async def fill(self, draft: Draft, choices: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Show the settings of a lecture; `choices` are labels and values by setting."""
        self.draft, self._choices = None, dict(choices)  # until its rows are there
        await self._arrange(draft)
        if not is_drawable(self):  # the app was left meanwhile
            return
        self.border_subtitle = draft.lecture.name
        self.draft = draft
        self.check()

    async def _arrange(self, draft: Draft) -> None:
        """A row for each setting. Most lectures share most of them, and rows are dear to make."""
        place, texts = self.query_one(_Rows), draft.defaults() | draft.texts
        rows = {row.field.name: row for row in self.query(SettingRow)}
        for name, row in list(rows.items()):
            field = draft.fields.get(name)
            if field is None or not row.can_show(field, self._offers(field)):
                await rows.pop(name).remove()
        await place.query(".problem").remove()
        for row in rows.values():
            row.forget_problem()
        before: Widget | None = None
        for name, field in draft.fields.items():
            if name == _FIRST_OPTION:
                before = await self._group(place, before)
            if not is_drawable(self):  # the app was left meanwhile, and takes no more rows
                return
            if name in rows:
                rows[name].take(field, self._offers(field), texts[name])
            else:
                rows[name] = SettingRow(field, self._offers(field), texts[name])
                await place.mount(rows[name], **({"after": before} if before else {"before": 0}))
            before = rows[name]

    async def _group(self, place: VerticalScroll, before: Widget | None) -> Widget:
        """The line between what is learned with and how it is run."""
        for group in place.query(".group"):
            return group
        group = Label("How it is measured, kept and run", classes="group")
        if place.is_attached:
            await place.mount(group, after=before)
        return group

    def offer(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Offer other choices for a setting."""
        self._choices[name] = choices
        if not is_drawable(self):
            return
        for row in self.query(SettingRow):
            if self.draft is not None and row.field.name == name:
                row.take(row.field, choices, row.text)

    def set_busy(self, busy: bool) -> None:
        """While something trains, nothing can be started."""
        self._is_busy = busy
        self.check()

    @property
    def can_start(self) -> bool:
        """Whether every setting is right and nothing trains."""
        return not self.query_one(Button).disabled

    def check(self) -> None:
        """Mark what was changed, say what is wrong, allow Start when nothing is."""
        draft = self.draft
        if draft is None or not is_drawable(self):
            return
        problems, defaults = draft.problems(), draft.defaults()
        for row in self.query(SettingRow):
            name = row.field.name
            row.show(
                draft.texts.get(name, defaults[name]),
                changed=name in draft.texts,
                useless=not draft.is_useful(name),
                problem=problems.get(name, ""),
            )
        runs = 0 if problems else len(draft.runs())
        button = self.query_one(Button)
        button.disabled = bool(problems) or self._is_busy
        button.label = (
            "A run is under way" if self._is_busy else f"Start {runs} runs" if runs > 1 else "Start"
        )
        self._tell(problems)

    def _tell(self, problems: Mapping[str, str]) -> None:
        about, draft = self.query_one("#about", Static), self.draft
        assert draft is not None
        wrong = problems.get("") or ""
        about.set_class(bool(wrong), "-wrong")
        if wrong or not self._focused or self._focused not in draft.fields:
            ready = f"{_CHANGED if draft.texts else _AS_TAUGHT} {_SEVERAL}"
            about.update(wrong or ready)
            return
        field = draft.fields[self._focused]
        rule = field.only_with
        useless = "" if rule is None or draft.is_useful(field.name) else _only_with(field)
        about.update(useless or f"{field.help} {field.takes_sentence}")

    def _offers(self, field: Field) -> Sequence[tuple[str, str]]:
        if field.name in self._choices:
            return self._choices[field.name]
        if field.kind is bool:
            return [("true", "true"), ("false", "false")]
        return [] if field.kind or field.is_tuple else [(word, word) for word in field.choices]

    def action_reset_all(self) -> None:
        """Set every field back."""
        if self.draft is not None:
            self.draft.reset_all()
            self.check()

    def on_setting_changed(self, message: SettingChanged) -> None:
        """Take a change in, and look whether all is right."""
        message.stop()
        if self.draft is not None:
            self.draft.change(message.name, message.text)
            self.check()

    def on_setting_reset(self, message: SettingReset) -> None:
        """Set a field back."""
        message.stop()
        if self.draft is not None:
            self.draft.reset(message.name)
            self.check()

    def on_setting_focused(self, message: SettingFocused) -> None:
        """Explain the setting that is looked at."""
        message.stop()
        self._focused = message.name
        if self.draft is not None:
            self._tell(self.draft.problems())

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Ask for training to begin."""
        event.stop()
        self.post_message(StartRequested())

    def on_input_submitted(self) -> None:
        """Enter in a field starts, as the button does."""
        if self.can_start:
            self.post_message(StartRequested())


def _only_with(field: Field) -> str:
    rule = field.only_with
    assert rule is not None
    values = ", ".join(map(str, rule.values))
    other = rule.field.replace("_", " ")
    return f"{field.help} It means something only while {other} is {values}."
