"""Sets how the app looks: ASCII or Unicode, theme, and the language of the lessons."""

from __future__ import annotations

import os
from collections.abc import Sequence

from textual.filter import LineFilter

from tui_app.app.appearance.notices import NoticesApp
from tui_app.app.appearance.preferences import preferences_file
from tui_app.app.appearance.series_colours import series_colours
from tui_app.terminal.ascii_filter import AsciiFilter
from tui_app.terminal.control_filter import ControlFilter
from tui_app.terminal.display_options import DisplayOptions


class AppearanceApp(NoticesApp):
    """Applies the display options and the user's preferences, and saves changes of the latter."""

    def __init__(self, display: DisplayOptions) -> None:
        self._display_options = display
        super().__init__()
        self.preferences = preferences_file()
        self.in_chinese = self.shows_chinese and self._is_chinese_wanted()
        if self.preferences.values.theme in self.available_themes:
            self.theme = self.preferences.values.theme

    async def on_mount(self) -> None:
        """Log a problem with the preferences, and save the theme whenever it changes."""
        if self.preferences.problem:
            self.current_log.add(self.preferences.problem, "warning")
        self.theme_changed_signal.subscribe(self, lambda theme: self.remember(theme=theme.name))

    @property
    def in_ascii(self) -> bool:
        """Whether only ASCII may be drawn."""
        return self._display_options.ascii

    @property
    def shows_chinese(self) -> bool:
        """Whether Chinese may be drawn."""
        return self._display_options.keep_wide or not self._display_options.ascii

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The filters that every line passes on its way to the terminal."""
        filters = [*super().get_line_filters(), ControlFilter()]
        if self._display_options.ascii:
            filters.append(AsciiFilter(keep_wide=self._display_options.keep_wide))
        return filters

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The colours of curves, which a theme may override."""
        return series_colours(self.current_theme)

    def remember(self, **changed: str) -> None:
        """Save a preference for the next start."""
        if self.preferences.change(**changed):
            self.run_worker(self._save_preferences, thread=True, group="preferences")

    def _save_preferences(self) -> None:
        problem = self.preferences.save()
        if problem and problem != self.preferences.problem:
            self.preferences.problem = problem  # so that it is logged once
            self.call_later(self.current_log.add, problem, "warning")

    def _is_chinese_wanted(self) -> bool:
        """Whether the last choice of language, or else the locale, is Chinese."""
        locale = os.environ.get("LC_ALL", os.environ.get("LANG", ""))
        return (self.preferences.values.language or locale).startswith("zh")
