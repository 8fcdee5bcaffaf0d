"""Opens the learning-rate finder for the form's settings, and fills its lr."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from models.fields import InvalidValue
from models.loading.load import is_current
from tui_app.app.dialogs.lr_find_dialog import LrFindDialog
from tui_app.app.screens.main_screen.repeat_run import RepeatRunScreen
from tui_app.app.widgets.settings_form import SettingsForm
from tui_app.inspection.lr_finder.usable import refuse_without_lr

_LOADING = "The lecture is still being loaded: press l again in a moment."


class FindLrScreen(RepeatRunScreen):
    """The key of the lr finds one while no run trains; while one does, it changes the run's lr."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l,f7", "find_lr", "Find lr", show=False),
        Binding("l,f7", "change_lr", "lr"),  # again, since a class's keys replace inherited ones
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Find an lr only while no run trains."""
        if action == "find_lr":
            return self.controlled_run is None
        return super().check_action(action, parameters)

    def action_find_lr(self) -> None:
        """Find an lr for the form's settings, the first ones if there are several."""
        form = self.query_one(SettingsForm)
        if form.draft is None:
            self.notify(_LOADING)
            return
        if not is_current(form.draft.lecture):
            self._load(form.draft.lecture.path)  # a notice says that it was loaded again
            return
        try:
            problem = next(iter(form.draft.problems().values()), None)
            if problem is not None:
                raise InvalidValue(problem)
            settings = form.draft.runs()[0]
            refuse_without_lr(settings)
        except InvalidValue as error:
            self.notify(str(error), severity="warning", markup=False)
            return

        def answered(lr: str | None) -> None:
            if lr is not None:
                form.set_text("lr", lr)
                self.choose_pane("settings")
                self.notify(f"lr set to {lr}; press s to train.", markup=False)

        self.app.push_screen(LrFindDialog(settings), answered)
