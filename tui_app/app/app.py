"""The app: its screens and the keys that work on all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.screen import Screen
from textual.widget import AwaitMount

from models import Lesson
from tui_app.app.dialogs.pick_from_list import PickFromList
from tui_app.app.dialogs.trust_question import ask_trust
from tui_app.app.loading.devices import find_devices
from tui_app.app.messages import RunsChanged, RunsRead
from tui_app.app.screens.help import help_page, keys_page
from tui_app.app.screens.main_screen.main import MainScreen
from tui_app.app.screens.palette import Palette, ViewPalette
from tui_app.app.screens.run import RunScreen
from tui_app.app.screens.runs_screen.runs import RunsScreen
from tui_app.app.searching_app import SearchingApp
from tui_app.monitoring.recorded_run import RecordedRun
from tui_app.runs.listing import run_folders, summarise
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.display_options import DisplayOptions
from tui_app.terminal.native_output import NativeOutput
from tui_app.terminal.signals import has_job_control, suspend_job
from tui_app.training.session_request import ResumeRequest

if TYPE_CHECKING:
    from models.user_files.trust import UntrustedSource
    from tui_app.app.own_data.own_data import OwnData

_PLAIN = DisplayOptions()

#: The name under which the screen of all runs is kept, with its cursor and its marks.
_RUNS = "runs"


class TutorchApp(SearchingApp):
    """Opens the screens, and holds what the user chose on them."""

    TITLE = "tutorch"
    CSS_PATH = "app.tcss"
    COMMANDS = {Palette, ViewPalette}  # noqa: RUF012  Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q,ctrl+c", "quit", "Quit"),
        Binding("question_mark", "keys", "Keys", key_display="?"),
        Binding("f1", "help_here", "Help", show=False),
        Binding("colon", "command_palette", "Commands", show=False),
        Binding("ctrl+p", "command_palette", "Commands", show=False, priority=True),
    ]

    def __init__(
        self,
        lecture: Path | None,
        given: Mapping[str, Any],
        watch: RunFolder | None = None,
        display: DisplayOptions = _PLAIN,
        resume: ResumeRequest | None = None,
        native_output: NativeOutput | None = None,
    ) -> None:
        super().__init__(display, native_output)
        self.runs_dir = Path(given.get("runs_dir", "runs"))
        self.devices: Sequence[tuple[str, str]] = [("auto", "auto"), ("cpu", "cpu")]
        self.own_data: dict[str, OwnData] = {}
        self.data_folder = Path.cwd()
        self._has_devices = False
        self._to_watch = watch
        self._to_resume = resume
        last = self.preferences.values.lecture_path
        self.main = MainScreen(lecture or last, {k: v for k, v in given.items() if k != "runs_dir"})

    def get_default_screen(self) -> Screen[Any]:
        """The screen below all others."""
        return self.main

    async def on_mount(self) -> None:
        """Wait until the main screen is composed, since all that starts here may draw on it."""
        await AwaitMount(self.main, [self.main])
        self.capture_prints()
        self.update_soon()
        if self._to_watch is not None:
            self.open_run(self._to_watch)
        if self._to_resume is not None:
            self.call_after_refresh(self.resume_run, self._to_resume)

    @property
    def shows_training(self) -> bool:
        """Whether the Training pane, which shows how a run ended, is visible."""
        return self.main.shows_training

    def show_queue(self) -> None:
        """Show the runs that were started."""
        self.show_main()
        self.main.watch_run()

    def repeat_run(
        self, folder: RunFolder, changes: Mapping[str, Any] | None = None, done: str = ""
    ) -> None:
        """Fill the form with the settings of a run and these changes, then notify with `done`."""
        self.main.repeat(folder, changes, done)

    # In threads

    def find_devices(self) -> None:
        """Find the devices once; called in a thread."""
        if not self._has_devices:
            found = find_devices()
            self._has_devices = True
            self.devices = found.choices
            self.main.post_message(found)

    def read_runs(self) -> None:
        """Read the run folders; called in a thread."""
        summaries = [summarise(folder) for folder in run_folders(self.runs_dir)]
        self.main.post_message(RunsRead(summaries))

    def read_runs_again(self) -> None:
        """Read the run folders, which have changed, in a thread."""
        self.main.post_message(RunsChanged())

    # Screens

    def show_main(self) -> None:
        """Close all screens above the main screen."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def open_runs(self) -> None:
        """Open the screen of all runs."""
        if not self.is_screen_installed(_RUNS):
            self.install_screen(RunsScreen(), _RUNS)
        self.push_screen(_RUNS)

    def open_run(self, folder: RunFolder) -> None:
        """Open the screen of one run, or the Training pane where it trains here."""
        queue = self.queue
        if queue is not None and queue.is_alive and queue.current.folder == folder.path:
            self.show_main()
            self.main.choose_pane("training")
            return
        self.push_screen(RunScreen(RecordedRun(folder)))
        self.update_soon()

    def choose_from_list(
        self,
        choices: Sequence[tuple[str, str]],
        current: str,
        on_choice: Callable[[str | None], None],
    ) -> None:
        """Let the user choose from a list of labels and values; None where that is cancelled."""
        self.push_screen(PickFromList(choices, current), on_choice)

    def ask_trust(self, error: UntrustedSource, on_trusted: Callable[[], object]) -> None:
        """Ask the user to trust code; call `on_trusted` once it is trusted."""
        ask_trust(self, error, on_trusted)

    @property
    def lessons(self) -> Sequence[Lesson]:
        """The lessons in the list of lectures."""
        return self.main.lessons

    def choose_lecture(self, path: Path) -> None:
        """Choose a lecture on the main screen."""
        self.show_main()
        self.main.choose_lecture(path)

    def action_command_palette(self) -> None:
        """Open the command palette."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="Search commands, lectures, views …"))

    def action_keys(self) -> None:
        """Show all keys of the screen."""
        self.push_screen(keys_page(self.screen))

    def action_help_here(self) -> None:
        """Show help for the focused pane, the screen or the dialog."""
        self.push_screen(help_page(self.screen))

    def action_suspend_process(self) -> None:
        """Suspend the app as a job of the shell."""
        if not has_job_control():
            self.notify("No shell here could bring tutorch back; q quits it.")
        elif self._driver is not None and self._driver.can_suspend:
            suspend_job()
