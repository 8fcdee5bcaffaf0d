"""`tutorch export RUN script`: writes a run as one Python script that needs no tutorch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import tyro

from datasets.reading.paths import user_path
from models.fields import InvalidValue
from models.user_files.source import RESERVED
from tui_app.commands.arguments import (
    RunArguments,
    import_lecture,
    parse,
    print_data_note,
    print_source_note,
    requested_run,
)
from tui_app.headless.loading_progress import console_reporter
from tui_app.terminal.printing import print_json


@dataclass(kw_only=True)
class Export(RunArguments):
    """Write a run as one Python script in the lecture's style, which needs no tutorch."""

    what: tyro.conf.Positional[Literal["script"]] = "script"
    """What to write."""

    out: str = ""
    """The file to write, - for stdout; the default is <lecture>.py in this folder."""

    force: tyro.conf.FlagCreatePairsOff[bool] = False
    """Overwrite an existing file."""


def main(argv: Sequence[str]) -> int:
    """Write the script and print its path."""
    arguments, given = parse(Export, argv, "runs_dir", "data_dir")
    folder = requested_run(arguments, given)
    path = user_path(arguments.out or _script_name(folder.path.parent.name))
    to_stdout = arguments.out == "-"
    if to_stdout and arguments.json:
        raise InvalidValue("--json and --out - both write to stdout: give a file with --out")
    if path.suffix == ".npz":
        raise InvalidValue(f"a script is a Python file: --out {path.with_suffix('.py')}")
    if path.exists() and not arguments.force and not to_stdout:
        raise InvalidValue(f"{path} exists: give another file with --out, or add --force")
    print_source_note(import_lecture(folder))

    from tui_app.export import script_of
    from tui_app.inspection.probe_context import context_of_run

    with console_reporter(quiet=arguments.json) as reporter:
        context = context_of_run(folder, "cpu", given.get("data_dir"), reporter=reporter)
    print_data_note(context)
    script, arrays = script_of(context, folder.read_record(), path.stem)
    if to_stdout:
        if arrays:
            raise InvalidValue(
                "this script reads its data from a file beside it: give a file with --out"
            )
        sys.stdout.write(script)
        return 0
    path.write_text(script, encoding="utf-8")
    if arrays:
        path.with_suffix(".npz").write_bytes(arrays)
    if arguments.json:
        print_json({"run": folder.name, "script": str(path), "data_beside": bool(arrays)})
    else:
        print(path)  # noqa: T201
    return 0


def _script_name(lecture: str) -> str:
    """Return the script's name; a script called torch.py would import itself as torch."""
    return f"{lecture}_script.py" if lecture in RESERVED else f"{lecture}.py"
