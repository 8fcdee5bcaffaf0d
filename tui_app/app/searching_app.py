"""Starts searches in processes of their own, and opens the screens of studies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.fields import InvalidValue
from tui_app.app.dialogs.search_dialog import SearchDialog
from tui_app.app.running_app import RunningApp
from tui_app.app.screens.studies import StudiesScreen
from tui_app.app.screens.study import StudyScreen
from tui_app.app.studies.search_request import continue_words, search_log, search_request
from tui_app.app.studies.started_searches import StartedSearches
from tui_app.search.storage import check_study_name
from tui_app.terminal.display_options import DisplayOptions
from tui_app.terminal.native_output import NativeOutput

if TYPE_CHECKING:
    from tui_app.app.form.settings_draft import SettingsDraft


class SearchingApp(RunningApp):
    """Holds the searches that were started here."""

    def __init__(self, display: DisplayOptions, native_output: NativeOutput | None) -> None:
        super().__init__(display, native_output)
        self.searches = StartedSearches()

    def ask_search(self, draft: SettingsDraft) -> None:
        """Ask how to search among the settings of the form, then start the search."""
        dialog = SearchDialog(draft, self.runs_dir)

        def answered(answer: str | None) -> None:
            if answer is not None:
                choice = dialog.choice
                words = search_request(draft, choice).words(self.runs_dir)
                self._start_search(choice.name, words)

        self.push_screen(dialog, answered)

    def continue_search(self, name: str, trials: int = 0) -> None:
        """Go on with a study, up to so many trials in all, or as many as it is to have."""
        self._start_search(name, continue_words(name, self.runs_dir, trials))

    def _start_search(self, name: str, words: Sequence[str]) -> None:
        try:
            check_study_name(name)  # one in a run.json or a storage of another user may be a path
            self.searches.start(name, words, search_log(name, self.runs_dir))
        except (OSError, InvalidValue) as error:
            sentence = f"The search can't be started: {getattr(error, 'strerror', None) or error}"
            self.notify(sentence, severity="error", timeout=12, markup=False)
            return
        self.notify("The search goes on when you leave tutorch.")
        self.open_study(name)

    def open_study(self, name: str) -> None:
        """Open the screen of a study, unless it is open already."""
        if not (isinstance(self.screen, StudyScreen) and self.screen.study_name == name):
            self.push_screen(StudyScreen(name))

    def open_studies(self) -> None:
        """Open the list of studies."""
        self.push_screen(StudiesScreen())
