"""Runs the app on this terminal, and returns the exit code of the program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui_app.app.app import TutorchApp
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.display_options import DisplayOptions
from tui_app.training.session_request import ResumeRequest

_PLAIN = DisplayOptions()


def run_app(
    lecture: Path | None,
    given: Mapping[str, Any],
    watch: RunFolder | None = None,
    display: DisplayOptions = _PLAIN,
    resume: ResumeRequest | None = None,
) -> int:
    """Run the app with this lecture and the settings that are `given`; first open the run to
    `watch`, or `resume` one. Returns the exit code.
    """
    if os.name != "posix":
        return TutorchApp(lecture, given, watch, display, resume).run() or 0
    # Here, since it imports what only POSIX has.
    from tui_app.app.session.terminal_session import run_on_terminal

    return run_on_terminal(
        lambda output: TutorchApp(lecture, given, watch, display, resume, output)
    )
