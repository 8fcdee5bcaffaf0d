"""The app: its screens over one queue of runs, drawn at a pace that leaves training alone."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import AwaitMount

from tui_app.app.appearance.appearance_app import AppearanceApp
from tui_app.app.dialogs.leave_question import LeaveQuestion
from tui_app.app.frame_throttle import FrameThrottle
from tui_app.app.messages import DevicesFound, RunsChanged, RunsRead
from tui_app.app.screens.main_screen.main import MainScreen
from tui_app.app.screens.palette import Palette, ViewPalette
from tui_app.app.widgets.drawable import is_drawable
from tui_app.monitoring.local_run import LocalRun, local_runs
from tui_app.monitoring.log import Log
from tui_app.monitoring.monitored_run import MonitoredRun
from tui_app.monitoring.run_queue import RunQueue
from tui_app.terminal.display_options import DisplayOptions
from tui_app.training.session_request import ResumeRequest

if TYPE_CHECKING:
    from tui_app.app.form.draft_fields import OwnData
    from tui_app.runs.run_folder import RunFolder
    from tui_app.runs.settings import RunSettings
    from tui_app.terminal.native_output import NativeOutput

#: Seconds between two looks while nothing trains: native output may still come.
_IDLE = 1.0

#: Seconds between two looks while a screen still reads what was recorded.
_CATCHING_UP = 0.02

_PLAIN = DisplayOptions()

#: The name of the screen of runs, which is kept as it was left.
_RUNS = "runs"


class TutorchApp(AppearanceApp):
    """Holds what outlives a screen: the runs of this program, and where run folders are."""

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
        follow: RunFolder | None = None,
        display: DisplayOptions = _PLAIN,
        take_up: ResumeRequest | None = None,
        native_output: NativeOutput | None = None,
    ) -> None:
        super().__init__(display)
        self.runs_dir = Path(given.get("runs_dir", "runs"))
        self.queue: RunQueue | None = None
        self.devices: Sequence[tuple[str, str]] = [("auto", "auto"), ("cpu", "cpu")]
        self.startup_log = Log()
        self.handed_over: Path | None = None
        self.own_data: dict[str, OwnData] = {}
        self.data_folder = Path.cwd()
        self._native_output = native_output
        self._pace = FrameThrottle(display.fps)
        self._next_draw = 0.0
        self._timer: Timer | None = None
        self._told: set[int] = set()
        self._is_leaving = False
        self._devices_known = False
        self._follow = follow
        self._take_up = take_up
        last = self.preferences.values.lecture_path
        self.main = MainScreen(lecture or last, {k: v for k, v in given.items() if k != "runs_dir"})

    def get_default_screen(self) -> Screen[Any]:
        """The screen below all others."""
        return self.main

    async def on_mount(self) -> None:
        """Begin once the main screen is composed: what is begun here may draw into it."""
        await AwaitMount(self.main, [self.main])
        if self._native_output is not None:
            self._native_output.capture_prints()
        self._arm(0.1)
        if self._follow is not None:
            self.open_run(self._follow)
        if self._take_up is not None:
            self.call_after_refresh(self.take_up, self._take_up)

    # Looking at what trains

    def update_soon(self) -> None:
        """Look again shortly: something was asked of the run."""
        self._arm(0.1)

    def _arm(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(seconds, self._tick)

    def _tick(self) -> None:
        """Take in what the run has said, draw it, and look again later."""
        self._pace.begin()
        self._hear_native_output()
        if self.queue is not None:
            self.queue.poll()
            self._tell_ends(self.queue)
        screen = next((s for s in reversed(self.screen_stack) if not s.is_modal), None)
        if getattr(self._driver, "needs_redraw", bool)():
            self.refresh(layout=True)
        # A chart of what is still being read is dear, and soon another.
        is_due = time.monotonic() >= self._next_draw or not getattr(screen, "is_reading", False)
        draw = getattr(screen, "draw" if is_due else "read_on", None)
        if draw is not None and screen is not None and is_drawable(screen):
            draw()
        self.call_after_refresh(self._look_later, has_drawn=is_due)

    def _look_later(self, *, has_drawn: bool) -> None:
        busy = self.queue is not None and not self.queue.is_over
        watching = getattr(self.screen, "is_watching", False)
        wait = self._pace.wait() if busy or watching else _IDLE
        if has_drawn:
            self._next_draw = time.monotonic() + wait
        self._arm(_CATCHING_UP if getattr(self.screen, "is_reading", False) else wait)

    def _hear_native_output(self) -> None:
        if self._native_output is None:
            return
        for line in self._native_output.pop_lines():
            self.current_log.add(line, "output")

    @property
    def current_log(self) -> Log:
        """That of the run that trains or trained last; before any, the app's own."""
        return self.queue.current.history.log if self.queue is not None else self.startup_log

    def _tell_ends(self, queue: RunQueue) -> None:
        for run in queue.started:
            if run.is_over and id(run) not in self._told:
                self._told.add(id(run))
                self._tell_end(run)
                self.main.post_message(RunsChanged())
        if self._is_leaving and queue.is_over:
            self.exit(0)

    def _tell_end(self, run: LocalRun) -> None:
        failure, completed = run.failure, run.history.completed
        if failure is not None:
            if completed is None:  # else the log has its sentence already
                run.history.log.add(failure.sentence, "error")
            run.history.log.add(failure.traceback, "output")
        sentence = (
            failure.sentence if failure is not None else completed.reason if completed else ""
        )
        is_failure = completed is not None and completed.state == "failed"
        if (failure is not None or is_failure) and not self.main.shows_training:
            severity = "information" if failure and not failure.exit_code else "error"
            self.notify(sentence, severity=severity, timeout=12, markup=False)

    # Runs of this program

    def begin(self, settings: Sequence[RunSettings]) -> None:
        """Train these, one after another."""
        self.start(local_runs(settings))

    def start(self, runs: Sequence[LocalRun]) -> None:
        """Train these, one after another, unless something trains already."""
        if self.queue is not None and self.queue.is_alive:
            self.notify("A run is under way: stop it first.", severity="warning")
            return
        self.queue = RunQueue(runs)
        self._told.clear()
        self.show_main()
        self.main.watch_run()
        self.update_soon()

    def take_up(self, wanted: ResumeRequest) -> None:
        """Go on with a run; ask with which source where the user's own file has changed since, and
        whether its code is trusted.
        """
        from tui_app.app.dialogs.resume_questions import which_source, with_source
        from tui_app.app.dialogs.trust_question import ask_trust
        from tui_app.runs.run_trust import untrusted_source

        def answered(answer: str | None) -> None:
            chosen = with_source(wanted, answer)
            if chosen is not None:
                self.take_up(chosen)

        question = which_source(wanted)
        if question is not None:
            self.push_screen(question, answered)
            return
        untrusted = untrusted_source(wanted.folder, wanted.source or "kept")
        if untrusted is not None:
            ask_trust(self, untrusted, lambda: self.take_up(wanted))
            return
        self.start([LocalRun(wanted.folder.name, wanted)])

    # In threads

    def find_devices(self) -> None:
        """Look once which devices answer."""
        if not self._devices_known:
            from tui_app.app.loading.lecture_loading import find_devices

            found: DevicesFound = find_devices()
            self._devices_known = True
            self.devices = found.choices
            self.main.post_message(found)

    def read_runs(self) -> None:
        """Read the run folders."""
        from tui_app.runs.listing import run_folders, summarise

        summaries = [summarise(folder) for folder in run_folders(self.runs_dir)]
        self.main.post_message(RunsRead(summaries))

    # Screens

    def show_main(self) -> None:
        """Close whatever is over the main screen."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def open_runs(self) -> None:
        """All runs."""
        from tui_app.app.screens.runs_screen.runs import RunsScreen

        if not self.is_screen_installed(_RUNS):
            self.install_screen(RunsScreen(), _RUNS)
        self.push_screen(_RUNS)

    def open_run(self, folder: RunFolder) -> None:
        """One run, from its folder; what trains here is shown where it is."""
        queue = self.queue
        if queue is not None and queue.is_alive and queue.current.folder == folder.path:
            self.show_main()
            self.main.choose_pane("training")
            return
        from tui_app.app.screens.run import RunScreen
        from tui_app.monitoring.recorded_run import RecordedRun

        followed: MonitoredRun = RecordedRun(folder)
        self.push_screen(RunScreen(followed))
        self.update_soon()

    def action_command_palette(self) -> None:
        """Search what can be done here."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="Search commands, lectures, views …"))

    def action_keys(self) -> None:
        """All keys of the screen."""
        from tui_app.app.screens.help import keys_page

        self.push_screen(keys_page(self.screen))

    def action_help_here(self) -> None:
        """What the focused pane, the screen or the dialog is for."""
        from tui_app.app.screens.help import help_page

        self.push_screen(help_page(self.screen))

    # Leaving

    def action_suspend_process(self) -> None:
        """Give the terminal back to the shell, which can bring the app back."""
        from tui_app.terminal.signals import has_job_control, suspend_job

        if not has_job_control():
            self.notify("No shell waits here that could bring tutorch back: q leaves it.")
        elif self._driver is not None and self._driver.can_suspend:
            suspend_job()

    async def action_quit(self) -> None:
        """Leave; ask first while something trains."""
        queue = self.queue
        if queue is None or not queue.is_alive:
            self.exit(0)
            return
        if not isinstance(self.screen, LeaveQuestion):
            self.push_screen(LeaveQuestion(queue), self._leave)

    def _leave(self, how: str | None) -> None:
        queue = self.queue
        if queue is None or how not in ("k", "s"):
            return
        if how == "k":
            self.handed_over = queue.current.folder
        self._is_leaving = True
        queue.stop("handed to a process of its own" if how == "k" else "stopped by you")
        self.notify("Saving, then leaving.")
        self.update_soon()


def run_app(
    lecture: Path | None,
    given: Mapping[str, Any],
    follow: RunFolder | None = None,
    display: DisplayOptions = _PLAIN,
    take_up: ResumeRequest | None = None,
) -> int:
    """Run the app on this terminal; the exit code."""
    if os.name != "posix":
        return TutorchApp(lecture, given, follow, display, take_up).run() or 0
    from tui_app.app.session.terminal_session import run_on_terminal

    return run_on_terminal(
        lambda output: TutorchApp(lecture, given, follow, display, take_up, output)
    )
