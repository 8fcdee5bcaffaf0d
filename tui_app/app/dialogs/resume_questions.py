"""The question with which source a run is to go on, where the user's own file has changed."""

from __future__ import annotations

from dataclasses import replace

from tui_app.app.dialogs.choice_question import ChoiceQuestion
from tui_app.runs.run_source import SourceChoice, changed_source
from tui_app.training.session_request import ResumeRequest

_USES: dict[str, SourceChoice] = {"k": "kept", "c": "current"}


def which_source(wanted: ResumeRequest) -> ChoiceQuestion | None:
    """The question; None where nothing need be chosen, or was chosen already."""
    difference = changed_source(wanted.folder) if wanted.source is None else ""
    if not difference:
        return None
    answers = [
        ("k", "Go on with the copy in the run folder"),
        ("c", "Go on with the file as it is now"),
        ("b", "Don't go on"),
    ]
    return ChoiceQuestion(f"{difference}.", answers)


def with_source(wanted: ResumeRequest, answer: str | None) -> ResumeRequest | None:
    """What is wanted after the answer; None where the run isn't to go on."""
    return replace(wanted, source=_USES[answer]) if answer in _USES else None
