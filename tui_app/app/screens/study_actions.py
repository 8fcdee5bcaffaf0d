"""Acts on a study: stops and continues its search, and fills the form with the best trial."""

from __future__ import annotations

from textual.screen import Screen

from datasets.reading.cell_numbers import whole_number
from tui_app.app.app_interface import AppInterface
from tui_app.app.dialogs.text_question import TextQuestion
from tui_app.app.studies.pictures.trial_marks import label_of
from tui_app.app.studies.pictures.trial_rows import short_value
from tui_app.app.studies.search_request import search_log
from tui_app.app.studies.started_searches import stop_search
from tui_app.runs.run_folder import RunFolder
from tui_app.search.summary import StudySummary

#: Seconds until the study is read after its search was stopped.
_SOON = 1.0


class StudyActionsScreen(Screen[None]):
    """A screen of one study, `study` once it is read."""

    app: AppInterface

    def __init__(self, name: str) -> None:
        super().__init__()
        self.study_name = name
        self.study: StudySummary | None = None
        self.process: int | None = None  # that an app of this user has started to search

    def read(self) -> None:
        """Read the study now."""
        raise NotImplementedError

    @property
    def is_ours(self) -> bool:
        """Whether an app of this user has started a search of the study that is alive."""
        started = self.app.searches.get(self.study_name)
        return self.process is not None or (started is not None and started.is_running)

    @property
    def is_elsewhere(self) -> bool:
        """Whether another program searches the study."""
        return not self.is_ours and self.study is not None and self.study.state == "running"

    @property
    def searching(self) -> str:
        """Who searches now, or that the study is stopped or completed."""
        if self.is_ours:
            return f"searching, process {self.process}" if self.process else "searching"
        if self.is_elsewhere:
            return "searching in another program"
        return self.study.state if self.study is not None else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only the keys that do something now."""
        if action == "use_best":
            return self.study is not None and self.study.best is not None
        if action == "stop_search":
            return self.is_ours or self.is_elsewhere
        if action == "continue_search":
            return not self.is_ours
        return True

    def action_use_best(self) -> None:
        """Fill the form with the settings of the best trial."""
        best = self.study.best if self.study is not None else None
        if best is None:
            return
        values = best.values.items()
        chosen = ", ".join(f"{label_of(name)} {short_value(text)}" for name, text in values)
        if best.run is None:
            text = f"Trial {best.number} has no run folder on this machine: {chosen}."
            self.notify(text, markup=False)
            return
        done = f"Set as in trial {best.number}: {chosen}; press s to train."
        self.app.repeat_run(RunFolder(best.run), {}, done)

    def action_stop_search(self) -> None:
        """Stop the search that an app of this user has started."""
        if stop_search(self.study_name, search_log(self.study_name, self.app.runs_dir)):
            self.notify("Stopping: the trials save first. g continues the search.")
            self.set_timer(_SOON, self.read)
        elif self.is_elsewhere:
            self.notify("Another program searches here: press Ctrl-C in its terminal.")

    def action_continue_search(self) -> None:
        """Go on with the study in a process of its own; ask for more trials if it has all."""
        study = self.study
        if study is None or study.state != "completed":
            self._continue()
            return
        done = len(study.trials)

        def problem(text: str) -> str:
            trials = whole_number(text.strip())
            return "" if trials is not None and trials > done else f"A whole number above {done}."

        def extend(text: str | None) -> None:
            if text is not None:
                self._continue(int(text))

        question = f"Trials in all (so far {done})"
        self.app.push_screen(TextQuestion(question, str(max(2 * done, 1)), problem), extend)

    def _continue(self, trials: int = 0) -> None:
        self.app.continue_search(self.study_name, trials)
        self.read()
