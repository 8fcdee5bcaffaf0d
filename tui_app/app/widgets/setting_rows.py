"""Creates and updates the rows of the form, one for each setting of a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Label

from models.fields import Field
from tui_app.app.form.settings_draft import SettingsDraft
from tui_app.app.widgets.drawable import is_drawable
from tui_app.app.widgets.setting_row import SettingRow
from tui_app.runs.settings.run_options import TABLE_OPTIONS

#: Labels and values by setting.
Choices = Mapping[str, Sequence[tuple[str, str]]]

#: The first of the settings that every lecture has.
_FIRST_OPTION = "validation"


class SettingRows(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls to the focused field."""

    DEFAULT_CSS = """
    SettingRows {
        height: 1fr;
        scrollbar-size-vertical: 1;
        & .problem { height: auto; padding-left: 2; color: $text-error; }
        & .group { color: $text-muted; text-style: dim; padding: 0 2; margin-top: 1; width: 1fr; }
    }
    """

    @property
    def rows(self) -> list[SettingRow]:
        """All rows, from top to bottom."""
        return list(self.query(SettingRow))

    def row(self, name: str) -> SettingRow | None:
        """The row of a setting."""
        return next((row for row in self.rows if row.field.name == name), None)

    def neighbour(self, name: str, by: int) -> SettingRow | None:
        """The visible row that many below a setting's, or above it."""
        rows = [row for row in self.rows if row.display]
        place = next((i for i, row in enumerate(rows) if row.field.name == name), -1)
        return rows[place + by] if place >= 0 and 0 <= place + by < len(rows) else None

    def on_resize(self) -> None:
        """Keep the focused field visible."""
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            focused.scroll_visible(animate=False)

    async def fill(self, draft: SettingsDraft, choices: Choices) -> None:
        """Make a row for each setting. Reuse those that fit: creating rows is slow."""
        texts = draft.defaults() | draft.texts
        rows = {row.field.name: row for row in self.rows}
        for name, row in list(rows.items()):
            field = draft.fields.get(name)
            if field is None or not row.can_show(field, _choices_of(field, choices)):
                await rows.pop(name).remove()
        await self.query(".problem").remove()
        for row in rows.values():
            row.drop_problem()
        before: Widget | None = None
        for name, field in draft.fields.items():
            if name == _FIRST_OPTION:
                before = await self._group(before)
            if not is_drawable(self):  # the app is exiting
                return
            if name in rows:
                rows[name].reuse(field, _choices_of(field, choices), texts[name])
            else:
                rows[name] = SettingRow(field, _choices_of(field, choices), texts[name])
                await self.mount(rows[name], **({"after": before} if before else {"before": 0}))
            before = rows[name]

    async def _group(self, before: Widget | None) -> Widget:
        """The heading between the hyperparameters and the other settings."""
        for group in self.query(".group"):
            return group
        group = Label("Evaluation, saving, hardware", classes="group")
        if self.is_attached:
            await self.mount(group, after=before)
        return group

    def show_state(self, draft: SettingsDraft, problems: Mapping[str, str]) -> None:
        """Show in each row the setting's value, whether it was changed, and the problem with it."""
        defaults = draft.defaults()
        for row in self.rows:
            name = row.field.name
            row.display = name not in TABLE_OPTIONS or draft.is_useful(name)
            row.show(
                draft.texts.get(name, defaults[name]),
                changed=name in draft.texts,
                useless=not draft.is_useful(name),
                problem=problems.get(name, ""),
            )


def _choices_of(field: Field, choices: Choices) -> Sequence[tuple[str, str]]:
    if field.name in choices:
        return choices[field.name]
    if field.kind is bool:
        return [("true", "true"), ("false", "false")]
    return [] if field.kind or field.is_tuple else [(word, word) for word in field.choices]
