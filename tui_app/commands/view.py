"""The part of `tutorch show` that draws what a run learned."""

from __future__ import annotations

import dataclasses
import io
import math
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from models.fields import InvalidValue
from tui_app.commands.arguments import say_source
from tui_app.terminal import print_json, print_table, stdout_console
from tui_app.training.run_folder import RunFolder
from tui_app.views import load_view, view_names

if TYPE_CHECKING:
    from tui_app.training.snapshot import Snapshot
    from tui_app.views.view import View

#: Where there is no terminal to fit into.
_SIZE = (100, 30)


def show(arguments: Any, folder: RunFolder, given: dict[str, Any]) -> int:
    """List the views of the run's lecture, or draw one. Raises UnknownView and InvalidValue."""
    from tui_app.training.session import read_settings

    if arguments.views:
        names = read_settings(folder).lecture.views or view_names()
        titles = {name: load_view(name).title for name in names}
        if arguments.json:
            print_json([{"name": name, "title": title} for name, title in titles.items()])
        else:
            print_table(["view", ""], [[name, title] for name, title in titles.items()])
        return 0
    _refuse_what_does_not_go_together(arguments)
    if arguments.json:
        _print_found(arguments, folder, given)
        return 0
    lines, columns = _draw(arguments, folder, given)
    if arguments.svg:
        _save(lines, columns, load_view(arguments.view).title, folder, Path(arguments.svg))
    else:
        console = stdout_console()
        console.width = max(columns, console.width)
        for line in lines:
            console.print(line, overflow="crop")
    return 0


def _refuse_what_does_not_go_together(arguments: Any) -> None:
    """Raise InvalidValue for a picture that is no SVG, and for what --json has no use for."""
    suffix = Path(arguments.svg).suffix
    if arguments.svg and suffix.lower() not in ("", ".svg"):
        name = Path(arguments.svg).with_suffix(".svg")
        raise InvalidValue(f"--svg writes an SVG picture, not {suffix[:20]}: `--svg {name}`")
    drawn = [f"--{name}" for name in ("svg", "at", "size", "ascii") if getattr(arguments, name)]
    if arguments.json and drawn:
        raise InvalidValue(
            f"--json gives all that the view found: {', '.join(drawn)} means nothing beside it"
        )


def _print_found(arguments: Any, folder: RunFolder, given: dict[str, Any]) -> None:
    """What the view's probe found, as JSON. Raises InvalidValue where there is nothing."""
    view = load_view(arguments.view)
    snapshot = _look(arguments, view, folder, given)
    if snapshot.found is None or not view.fits(snapshot.found):
        raise InvalidValue(view.without or f"{folder.name} has nothing for this view")
    facts = {"run": folder.name, "view": arguments.view, "epoch": snapshot.epoch}
    print_json({**facts, "step": snapshot.step, "found": _plain(snapshot.found)}, indent=None)


def _plain(value: Any) -> Any:
    """Dataclasses, arrays and what is in them as JSON has it; a number that is none as null."""
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


def _look(arguments: Any, view: View, folder: RunFolder, given: dict[str, Any]) -> Snapshot:
    from tui_app.training.snapshot import take
    from tui_app.training.subjects import subject_of_folder

    subject = subject_of_folder(folder, given.get("device"), given.get("data_dir"))
    say_source(subject.settings)
    return take(subject, view.load_probe(), arguments.ask)


def _draw(arguments: Any, folder: RunFolder, given: dict[str, Any]) -> tuple[list[Text], int]:
    from tui_app.views.pen import Pen
    from tui_app.views.view import Frame

    view = load_view(arguments.view)
    columns, rows = _size(arguments.size)
    found = _look(arguments, view, folder, given).found
    places = view.place_count(found)
    if arguments.at and not 0 <= arguments.at < places:
        until = f"goes from 0 to {places - 1}" if places else "has one place only"
        raise InvalidValue(f"--at {arguments.at}: {arguments.view} {until}")
    is_plain = bool(os.environ.get("NO_COLOR")) or not (arguments.svg or sys.stdout.isatty())
    frame = Frame(columns, rows, Pen(colour=not is_plain, ascii=arguments.ascii), arguments.at)
    return [_without_codes(line) for line in view.lines(found, frame)], columns


def _without_codes(line: Text) -> Text:
    """The line, a sign for each character in it that a terminal would act upon."""
    if not line.plain.isprintable():
        line.plain = "".join(char if char.isprintable() else "\ufffd" for char in line.plain)
    return line


def _size(text: str) -> tuple[int, int]:
    """`120x36`, or what there is room for."""
    if not text:
        if not sys.stdout.isatty():
            return _SIZE
        console = stdout_console()
        return console.width, console.height - 1
    match = re.fullmatch(r"(\d{2,3})x(\d{1,3})", text)
    if match is None or int(match[1]) < 20 or int(match[2]) < 5:
        raise InvalidValue(f"--size takes columns and rows from 20x5 on, such as 120x36: {text!r}")
    return int(match[1]), int(match[2])


def _save(lines: list[Text], columns: int, title: str, folder: RunFolder, path: Path) -> None:
    """A picture of the lines. Raises OSError."""
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
