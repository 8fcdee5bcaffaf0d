"""Asks what must be decided before a run resumes: with which source, and whether it is trusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tui_app.app.app_interface import AppInterface
from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.app.dialogs.trust_question import ask_trust
from tui_app.runs.run_source import SourceChoice, changed_source
from tui_app.runs.run_trust import untrusted_source
from tui_app.training.session_request import ResumeRequest

_USES: dict[str, SourceChoice] = {"k": "kept", "c": "current"}

_ANSWERS = [
    ("k", "Resume with the copy in the run folder"),
    ("c", "Resume with the file as it is now"),
    ("b", "Don't resume"),
]


def ask_before_resuming(
    app: AppInterface, request: ResumeRequest, resume: Callable[[ResumeRequest], object]
) -> None:
    """Call `resume` once all is decided: at once where the user's file hasn't changed since the
    run was trained, and its code is trusted.
    """

    def answered(answer: str | None) -> None:
        if answer in _USES:
            ask_before_resuming(app, replace(request, source=_USES[answer]), resume)

    difference = changed_source(request.folder) if request.source is None else ""
    if difference:
        app.push_screen(ChoiceQuestion(f"{difference}.", _ANSWERS), answered)
        return
    untrusted = untrusted_source(request.folder, request.source or "kept")
    if untrusted is not None:
        ask_trust(app, untrusted, lambda: ask_before_resuming(app, request, resume))
        return
    resume(request)
