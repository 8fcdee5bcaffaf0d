"""`tutorch attach RUN`: opens the app on a run that another program trains."""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from models.fields import InvalidValue
from tui_app.commands.arguments import (
    RunArguments,
    parse,
    refuse_few_open_files,
    requested_run,
    runs_dir,
)
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.listing import as_argument, current_state, read_status
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.display_options import DisplayOptions, can_show_app


@dataclass(kw_only=True)
class Attach(RunArguments):
    """Watch and control a run that another program trains: one whose terminal closed, or one that
    the app left to train in the background.
    """


def main(argv: Sequence[str]) -> int:
    """Open the app on the run and return the exit code."""
    refuse_few_open_files()
    arguments, given = parse(Attach, argv, "runs_dir")
    folder = requested_run(arguments, given)
    refuse_other_machine(folder)
    if not can_show_app():
        raise InvalidValue(
            f"`tutorch attach` needs a terminal; `tutorch show {as_argument(folder)}` doesn't"
        )
    from tui_app.app.session.run_app import run_app  # puts off textual

    display = DisplayOptions.detect(fps=4.0, ascii_only=False)
    code = run_app(None, {"runs_dir": str(runs_dir(given))}, watch=folder, display=display)
    return code or ExitCode.DONE


def refuse_other_machine(folder: RunFolder) -> None:
    """Raise InvalidValue, with the command to use, for a run that another machine trains."""
    status = read_status(folder)
    host = status.get("host")
    if current_state(status) in ("running", "paused") and host != socket.gethostname():
        name = str(host)[:100]
        # The file is untrusted: only a valid host name may become part of a proposed command.
        ssh = f"`ssh {name}`, then " if re.fullmatch(r"\w[\w.-]*", name, re.ASCII) else ""
        raise InvalidValue(
            f"{folder.name} is trained on {name} and can be controlled only there: "
            f"{ssh}`tutorch attach {shlex.quote(str(folder.path))}`. "
            f"`tutorch show {as_argument(folder)}` shows it here"
        )
