"""Draws a view of a run's model, for `tutorch show --view`."""

from __future__ import annotations

import dataclasses
import io
import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from datasets.reading.paths import user_path
from models.fields import InvalidValue
from tui_app.commands.arguments import import_lecture, print_data_note, print_source_note
from tui_app.commands.printed_frame import frame_size, print_lines, printing_pen
from tui_app.headless.loading_progress import console_reporter
from tui_app.runs.run_folder import RunFolder
from tui_app.terminal.printing import print_json, print_table
from tui_app.views import load_view
from tui_app.views.offered import TRAITS, offered
from tui_app.views.places import numbered_places
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probe_runner import Snapshot


def show_view(arguments: Any, folder: RunFolder, given: dict[str, Any]) -> int:
    """List the views of the run, or draw one. Raises UnknownView and InvalidValue."""
    view = load_view(arguments.view) if arguments.view else None
    if view is not None and not arguments.views:
        _refuse_conflicts(arguments)
    print_source_note(import_lecture(folder))

    from tui_app.inspection.probe_context import context_of_run
    from tui_app.inspection.probe_runner import run_probe

    where = given.get("device"), given.get("data_dir")
    with console_reporter(quiet=arguments.json) as reporter:
        context = context_of_run(folder, *where, reporter=reporter)
    print_data_note(context)
    traits = run_probe(context, TRAITS.load_probe()).found
    titles = {name: load_view(name).title for name in offered(traits)}
    if view is None or arguments.views:
        if arguments.json:
            print_json([{"name": name, "title": title} for name, title in titles.items()])
        else:
            print_table(["view", ""], [[name, title] for name, title in titles.items()])
        return 0
    snapshot = run_probe(context, view.load_probe(), arguments.ask)
    if not view.suits(traits) or not view.can_draw(snapshot.found):
        has = f"This run has {', '.join(titles)}."
        raise InvalidValue(f"--view {arguments.view}: {view.unavailable_text} {has}")
    if arguments.json:
        _print_found(arguments, snapshot, folder)
        return 0
    lines, columns = _draw(arguments, view, snapshot.found)
    if arguments.svg:
        _save(lines, columns, view.title, folder, user_path(arguments.svg))
    else:
        print_lines(lines, columns)
    return 0


def _refuse_conflicts(arguments: Any) -> None:
    """Raise InvalidValue for a picture that isn't SVG, and for options that --json ignores."""
    suffix = Path(arguments.svg).suffix
    if arguments.svg and suffix.lower() not in ("", ".svg"):
        name = Path(arguments.svg).with_suffix(".svg")
        raise InvalidValue(
            f"--svg writes an SVG picture, not {suffix[:20]}: `--svg {shlex.quote(str(name))}`"
        )
    drawn = [f"--{name}" for name in ("svg", "at", "size", "ascii") if getattr(arguments, name)]
    if arguments.json and drawn:
        raise InvalidValue(
            f"--json prints all that the view found and can't be used with {', '.join(drawn)}"
        )


def _print_found(arguments: Any, snapshot: Snapshot, folder: RunFolder) -> None:
    """Print what the view's probe found, as JSON."""
    facts = {"run": folder.name, "view": arguments.view, "epoch": snapshot.epoch}
    print_json({**facts, "step": snapshot.step, "found": _plain(snapshot.found)}, indent=None)


def _plain(value: Any) -> Any:
    """Convert dataclasses and arrays to JSON's types; a number that isn't finite becomes null."""
    import numpy as np

    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return {field.name.rstrip("_"): _plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)


def _draw(arguments: Any, view: View, found: Any) -> tuple[list[Text], int]:
    columns, rows = frame_size(arguments.size)
    pen = printing_pen(ascii_only=arguments.ascii, is_saved=bool(arguments.svg))
    frame = Frame(columns, rows, pen)
    if view.scrolls and not arguments.size:  # printed output scrolls
        frame = dataclasses.replace(frame, rows=max(1, len(view.draw(found, frame))))
    count = numbered_places(view, found, frame)
    if arguments.at and not 0 < arguments.at <= count:
        until = f"has 1 to {count}" if count > 1 else "has only 1"
        raise InvalidValue(f"--at {arguments.at}: {arguments.view} {until}")
    at = arguments.at if view.overview or not arguments.at else arguments.at - 1
    if not arguments.at and arguments.ask and view.answered_place is not None:
        at = view.answered_place(found) or 0
    lines = view.lines(found, dataclasses.replace(frame, at=at))
    return [_without_codes(line) for line in lines], columns


def _without_codes(line: Text) -> Text:
    """Return the line with control characters replaced."""
    if not line.plain.isprintable():
        line.plain = "".join(char if char.isprintable() else "\ufffd" for char in line.plain)
    return line


def _save(lines: list[Text], columns: int, title: str, folder: RunFolder, path: Path) -> None:
    """Write a picture of the lines. Raises OSError."""
    console = Console(
        record=True,
        width=columns,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    for line in lines:
        console.print(line, overflow="crop")
    path.write_text(console.export_svg(title=f"{title} · {folder.name}"), encoding="utf-8")
