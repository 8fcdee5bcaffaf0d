"""Asks whether the user trusts code, before it runs."""

from __future__ import annotations

from collections.abc import Callable

from models.user_files.trust import UntrustedSource, allow_named_file, trust
from tui_app.app.app_interface import AppInterface
from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.text.escaping import printable

#: Yes is a capital letter and not the first answer, since the dialog may open while the user types.
_YES, _NO = "T", "n"


class TrustQuestion(ChoiceQuestion):
    """Shows the file, its owner and the files that it imports; no is the first answer."""

    def __init__(self, error: UntrustedSource) -> None:
        (_, file), *facts = error.facts  # a long path is wrapped best in lines of its own
        lines = ["This is Python code that you haven't trusted yet:", "", printable(file)]
        lines += [f"{name:<7}  {printable(value)}" for name, value in facts]
        super().__init__(
            "\n".join([*lines, "", "It would run with your rights."]),
            [(_NO, "Don't run it"), (_YES, "Trust it: it runs, now and until it changes")],
        )


def ask_trust(
    app: AppInterface,
    error: UntrustedSource,
    then: Callable[[], object],
    otherwise: Callable[[], object] = lambda: None,
) -> None:
    """Ask, and call `then` once the code is trusted, or else `otherwise`."""

    def answered(answer: str | None) -> None:
        if answer != _YES:
            otherwise()
            return
        problem = trust(error.source)
        if not error.owner:  # the user's own file may be edited while the app shows it
            allow_named_file(error.source.path)
        if problem:
            app.notify(f"{problem}.", severity="warning", timeout=12, markup=False)
            app.startup_log.add(problem)
        then()

    app.push_screen(TrustQuestion(error), answered)
