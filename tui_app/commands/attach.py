"""`tutorch attach RUN`: open the app on a run that another program trains."""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from models.fields import InvalidValue
from tui_app.commands.arguments import RunArguments, parse, refuse_few_open_files, runs_dir, the_run
from tui_app.runs.exit_codes import ExitCode
from tui_app.runs.listing import as_argument, current_state, read_status
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.display_options import DisplayOptions, can_show_app


@dataclass(kw_only=True)
class Attach(RunArguments):
    """Watch and steer a run that another program trains: one whose terminal went away, or one that
    was left to train by itself.
    """


def main(argv: Sequence[str]) -> int:
    """Open the app on the run; the exit code."""
    refuse_few_open_files()
    arguments, given = parse(Attach, argv, "runs_dir")
    folder = the_run(arguments, given)
    refuse_elsewhere(folder)
    if not can_show_app():
        raise InvalidValue(
            f"`tutorch attach` needs a terminal: `tutorch show {as_argument(folder)}` does without"
        )
    from tui_app.app.session.run_app import run_app

    display = DisplayOptions.detect(fps=4.0, ascii_only=False)
    code = run_app(None, {"runs_dir": str(runs_dir(given))}, watch=folder, display=display)
    return code or ExitCode.DONE


def refuse_elsewhere(folder: RunFolder) -> None:
    """Raise InvalidValue, with where to go, for a run that is trained on another machine."""
    status = read_status(folder)
    host = status.get("host")
    if current_state(status) in ("running", "paused") and host != socket.gethostname():
        name = str(host)[:100]
        # The file may be anybody's: what is no host name isn't proposed as a word of a command.
        go_there = f"`ssh {name}`, then " if re.fullmatch(r"\w[\w.-]*", name, re.ASCII) else ""
        raise InvalidValue(
            f"{folder.name} is trained on {name}, and can be steered there alone: "
            f"{go_there}`tutorch attach {shlex.quote(str(folder.path))}`. "
            f"`tutorch show {as_argument(folder)}` shows it from here"
        )
