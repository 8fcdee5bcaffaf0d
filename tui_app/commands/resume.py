"""`tutorch resume RUN`: continues a run exactly where it stopped, or trains it further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import tyro

from models.fields import InvalidValue
from tui_app.commands.arguments import (
    RunArguments,
    import_lecture,
    parse,
    refuse_few_open_files,
    refuse_several_processes,
    requested_run,
    runs_dir,
)
from tui_app.terminal.display_options import DisplayOptions, can_show_app
from tui_app.training.session_request import ResumeRequest
from tui_app.training.steering.control import Control


@dataclass(kw_only=True)
class Resume(RunArguments):
    """Continue a run exactly where it stopped; more --epochs train a finished one further."""

    epochs: int | None = None
    """Total number of epochs."""

    source: Annotated[Literal["kept", "current"] | None, tyro.conf.arg(metavar="kept|current")] = (
        None
    )
    """If you have changed your lecture file: continue with the copy kept in the run folder, or with
    the current file."""

    no_tui: tyro.conf.FlagCreatePairsOff[bool] = False
    """Train without the app."""

    quiet: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print no progress."""


def main(argv: Sequence[str]) -> int:
    """Resume the run and return the exit code."""
    refuse_several_processes()
    refuse_few_open_files()
    changeable = ("device", "max_time", "data_dir", "on_oom", "on_hangup")
    arguments, given = parse(Resume, argv, "runs_dir", *changeable)
    if arguments.epochs is not None and arguments.epochs < 1:
        raise InvalidValue(f"epochs: a whole number ≥ 1, not {arguments.epochs}", "epochs")
    folder = requested_run(arguments, given, arguments.source)
    request = ResumeRequest(folder, arguments.epochs, _changes(given), arguments.source)
    if not (arguments.no_tui or arguments.json or arguments.quiet) and can_show_app():
        return _show_app(request, given)

    # puts off torch
    from tui_app.headless.run import OutputOptions, train_one
    from tui_app.headless.run_terminal import RunTerminal
    from tui_app.headless.signal_handling import stop_on_signals

    output, control = OutputOptions(json=arguments.json, quiet=arguments.quiet), Control()
    terminal = RunTerminal(output.console())
    record = folder.read_record()
    options = import_lecture(folder, arguments.source, record).options
    on_hangup = given.get("on_hangup", options.on_hangup)
    with stop_on_signals(control, terminal, keep=on_hangup == "keep"):
        completed = train_one(replace(request, record=record), control, output, terminal)
    return completed.exit_code


def _show_app(request: ResumeRequest, given: Mapping[str, Any]) -> int:
    """Resume the run in the app."""
    from tui_app.app.session.run_app import run_app  # puts off textual

    display = DisplayOptions.detect(fps=4.0, ascii_only=False)
    return run_app(None, {"runs_dir": str(runs_dir(given))}, display=display, resume=request)


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run options to change from now on."""
    return {name: value for name, value in given.items() if name != "runs_dir"}
