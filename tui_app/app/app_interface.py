"""Declares what screens, dialogs and widgets use of the app, so that none of them imports it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import Lesson
from tui_app.app.appearance.appearance_app import AppearanceApp
from tui_app.monitoring.log import Log
from tui_app.monitoring.run_queue import RunQueue
from tui_app.runs.run_folder import RunFolder
from tui_app.training.session_request import ResumeRequest

if TYPE_CHECKING:
    from models.user_files.trust import UntrustedSource
    from tui_app.app.form.settings_draft import SettingsDraft
    from tui_app.app.own_data.own_data import OwnData
    from tui_app.app.studies.started_searches import StartedSearches
    from tui_app.runs.settings.run_settings import RunSettings


class AppInterface(AppearanceApp):
    """What outlives a screen, and the requests that a screen makes of the app."""

    runs_dir: Path
    """The folder that runs are written to and read from."""

    queue: RunQueue | None
    """The runs of this program that were started last, the one that trains among them."""

    searches: StartedSearches
    """The searches that this program has started."""

    startup_log: Log
    """The log that is shown until a run has its own."""

    devices: Sequence[tuple[str, str]]
    """The choices of the setting `device`: label and value."""

    own_data: dict[str, OwnData]
    """The user's data sets that were chosen or typed since the start, by name."""

    data_folder: Path
    """The folder in which the user last picked data."""

    # Runs

    def start_runs(self, settings: Sequence[RunSettings]) -> None:
        """Train a run with each of these settings, one after another."""
        raise NotImplementedError

    def resume_run(self, request: ResumeRequest) -> None:
        """Resume a run."""
        raise NotImplementedError

    def repeat_run(
        self, folder: RunFolder, changes: Mapping[str, Any] | None = None, done: str = ""
    ) -> None:
        """Fill the form with the settings of a run and these changes, then notify with `done`."""
        raise NotImplementedError

    def update_soon(self) -> None:
        """Update the screen shortly, since a run was asked to do something."""
        raise NotImplementedError

    # Searches

    def ask_search(self, draft: SettingsDraft) -> None:
        """Ask how to search among the settings of the form, then start the search."""
        raise NotImplementedError

    def continue_search(self, name: str, trials: int = 0) -> None:
        """Go on with a study, up to so many trials in all, or as many as it is to have."""
        raise NotImplementedError

    def open_study(self, name: str) -> None:
        """Open the screen of a study, unless it is open already."""
        raise NotImplementedError

    def open_studies(self) -> None:
        """Open the list of studies."""
        raise NotImplementedError

    # Reading

    def find_devices(self) -> None:
        """Find the devices once; called in a thread."""
        raise NotImplementedError

    def read_runs(self) -> None:
        """Read the run folders; called in a thread."""
        raise NotImplementedError

    def read_runs_again(self) -> None:
        """Read the run folders, which have changed, in a thread."""
        raise NotImplementedError

    # Screens

    def show_main(self) -> None:
        """Close all screens above the main screen."""
        raise NotImplementedError

    def open_runs(self) -> None:
        """Open the screen of all runs."""
        raise NotImplementedError

    def open_run(self, folder: RunFolder) -> None:
        """Open the screen of one run."""
        raise NotImplementedError

    # Dialogs

    def choose_from_list(
        self,
        choices: Sequence[tuple[str, str]],
        current: str,
        on_choice: Callable[[str | None], None],
    ) -> None:
        """Let the user choose from a list of labels and values; None where that is cancelled."""
        raise NotImplementedError

    def ask_trust(self, error: UntrustedSource, on_trusted: Callable[[], object]) -> None:
        """Ask the user to trust code; call `on_trusted` once it is trusted."""
        raise NotImplementedError

    # Lectures

    @property
    def lessons(self) -> Sequence[Lesson]:
        """The lessons in the list of lectures."""
        raise NotImplementedError

    def choose_lecture(self, path: Path) -> None:
        """Choose a lecture on the main screen."""
        raise NotImplementedError
