"""`tutorch lr-find LECTURE [options]`: finds a learning rate for a lecture and its settings."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from rich.text import Text

from models.fields import InvalidValue
from tui_app.commands.lecture_arguments import (
    DEFAULT_LECTURE,
    LectureArguments,
    parse_lecture_arguments,
)
from tui_app.commands.printed_frame import frame_size, print_lines, printing_pen
from tui_app.headless.loading_progress import show_loading
from tui_app.runs.exit_codes import ExitCode
from tui_app.terminal.printing import print_json, print_to_stderr, stderr_console, stdout_console
from tui_app.text.escaping import printable
from tui_app.views.shared.lr_chart import lr_chart
from tui_app.views.view import Frame

if TYPE_CHECKING:
    from tui_app.inspection.lr_finder.finding import LrFinding

#: A chart taller than this says no more.
_MOST_ROWS = 30


@dataclass
class LrFind:
    """The arguments besides the settings of a run."""

    lecture: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="LECTURE")] = (
        DEFAULT_LECTURE
    )
    """A part of the lecture's name, or the path of a file."""

    lowest: Annotated[float, tyro.conf.arg(metavar="FLOAT")] = 1e-7
    """The learning rate of the first step."""

    highest: Annotated[float, tyro.conf.arg(metavar="FLOAT")] = 100.0
    """The learning rate of the last step; it ends earlier once the loss diverges."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON document, with every step and every trial."""

    size: str = ""
    """Columns and rows of the chart, such as 120x36; the default is the terminal's size."""

    ascii: tyro.conf.FlagCreatePairsOff[bool] = False
    """Draw in ASCII."""

    trust: tyro.conf.FlagCreatePairsOff[bool] = False
    """Trust the lecture's file if another user owns it: it runs, now and until it changes."""


def main(argv: Sequence[str]) -> int:
    """Find a learning rate; print the chart, the suggestion and the command that trains with it."""
    parsed = parse_lecture_arguments(LrFind, argv, "tutorch lr-find")
    flags = parsed.flags
    if not 0 < flags.lowest < flags.highest < math.inf:
        raise InvalidValue("--lowest and --highest take two numbers > 0, the first one smaller")
    columns, rows = frame_size(flags.size)

    from tui_app.inspection.lr_finder.finder import LrRange, find_lr  # puts off torch

    with parsed.locating_errors():
        (settings,) = parsed.resolve_all([{}])
        console = stderr_console()
        console.quiet = flags.json
        with show_loading(console) as on_progress:
            lr_range = LrRange(flags.lowest, flags.highest)
            found = find_lr(settings, on_progress, lr_range=lr_range)
    command = _command(parsed, found.suggestion) if found.suggestion else ""
    if flags.json:
        facts = {"lecture": parsed.lecture.name, "dataset": settings.dataset}
        print_json(facts | _plain(found, command), indent=None)
    else:
        for note in found.notes:
            print_to_stderr(note)
        pen = printing_pen(ascii_only=flags.ascii)
        rows = rows - 1 if flags.size else min(rows - 1, _MOST_ROWS)
        print_lines(lr_chart(found, Frame(columns, rows, pen)), columns)
        if command:
            stdout_console().print(Text(printable(command)), soft_wrap=True)  # to be copied whole
    return ExitCode.DONE if command else ExitCode.FAILED


def _command(parsed: LectureArguments, lr: float) -> str:
    """Return the command that trains with the given settings and this lr."""
    words = ["tutorch", parsed.flags.lecture]
    for name, value in {**parsed.given, "lr": lr}.items():
        words += [parsed.fields[name].flag, parsed.fields[name].format(value)]
    return shlex.join(words)


def _plain(found: LrFinding, command: str) -> dict[str, Any]:
    """Return the finding as JSON's types; a number that isn't finite becomes null."""
    limit = found.limit
    steps = zip(found.lrs, found.losses, found.smoothed, strict=True)
    trials = [{name: _finite(v) for name, v in asdict(trial).items()} for trial in found.trials]
    return {
        "device": found.device,
        "settings_lr": found.settings_lr,
        "suggestion": found.suggestion,
        "command": command,
        "steepest": found.fall and found.fall.steepest,
        "valley": found.fall and found.fall.valley,
        "limit": limit and {"lr": limit.lr, **asdict(limit)},
        "highest": found.highest,
        "seconds": round(found.seconds, 3),
        "notes": list(found.notes),
        "steps": [
            {"lr": lr, "loss": _finite(loss), "smoothed": _finite(mean)} for lr, loss, mean in steps
        ],
        "trials": trials,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
