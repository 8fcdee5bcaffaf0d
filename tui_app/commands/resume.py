"""`tutorch resume RUN`: continues a run exactly where it stopped, or trains it further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import tyro

from models.fields import InvalidValue
from tui_app.commands.arguments import (
    RunArguments,
    import_lecture,
    parse,
    refuse_few_open_files,
    requested_run,
    runs_dir,
)
from tui_app.commands.several_devices import (
    recorded_devices,
    refuse_other_devices,
    words_to_resume,
)
from tui_app.terminal.display_options import DisplayOptions, can_show_app
from tui_app.training.ranks.launch_local import train_on_devices
from tui_app.training.ranks.rank_process import this_launch
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
    launch = this_launch()
    refuse_few_open_files()
    changeable = ("device", "devices", "max_time", "data_dir", "on_oom", "on_hangup")
    arguments, given = parse(Resume, argv, "runs_dir", *changeable)
    if arguments.epochs is not None and arguments.epochs < 1:
        raise InvalidValue(f"epochs: a whole number ≥ 1, not {arguments.epochs}", "epochs")
    folder = requested_run(arguments, given, arguments.source)
    is_headless = launch is not None or arguments.no_tui or arguments.json or arguments.quiet
    if not is_headless and can_show_app():
        request = ResumeRequest(folder, arguments.epochs, _changes(given), arguments.source)
        return _show_app(request, given)

    record = folder.read_record()
    refuse_other_devices(launch, given.get("devices"))
    given["devices"] = launch.count if launch is not None else given.get("devices")
    given["devices"] = given["devices"] or recorded_devices(folder, record)
    options = import_lecture(folder, arguments.source, record).options
    if launch is None and given["devices"] > 1:
        words = words_to_resume(argv, folder)
        return train_on_devices(given["devices"], ["resume", *words])

    # puts off torch
    from tui_app.headless.rank_training import RankedRun, train_rank
    from tui_app.headless.run import OutputOptions, train_one
    from tui_app.headless.run_terminal import RunTerminal
    from tui_app.headless.signal_handling import stop_on_signals

    output, control = OutputOptions(json=arguments.json, quiet=arguments.quiet), Control()
    terminal = RunTerminal(output.console())
    request = ResumeRequest(folder, arguments.epochs, _changes(given), arguments.source, record)
    on_hangup = given.get("on_hangup", options.on_hangup)
    if launch is not None and launch.count > 1:
        device = given.get("device") or record.device.partition(":")[0]
        return train_rank(RankedRun.resumed(request, device, on_hangup), output, launch)
    with stop_on_signals(control, terminal, keep=on_hangup == "keep"):
        completed = train_one(request, control, output, terminal)
    return completed.exit_code


def _show_app(request: ResumeRequest, given: Mapping[str, Any]) -> int:
    """Resume the run in the app."""
    from tui_app.app.session.run_app import run_app  # puts off textual

    display = DisplayOptions.detect(fps=4.0, ascii_only=False)
    return run_app(None, {"runs_dir": str(runs_dir(given))}, display=display, resume=request)


def _changes(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the run options to change from now on."""
    return {name: value for name, value in given.items() if name != "runs_dir"}
