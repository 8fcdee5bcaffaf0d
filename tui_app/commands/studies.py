"""`tutorch studies`: lists the studies."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from datasets.own.names import short_name
from tui_app.commands.arguments import JsonArguments, parse, runs_dir
from tui_app.commands.study import as_plain
from tui_app.search.summary import StudySummary, list_studies
from tui_app.terminal.printing import print_json, print_list, print_to_stderr
from tui_app.text.columns import Column
from tui_app.text.quantities import format_number

_COLUMNS = (
    Column("study", importance=9, least=12),
    Column("lecture", importance=5, least=16),
    Column("data", importance=3, least=8),
    Column("trials", importance=7, right=True),
    Column("best", importance=8, right=True),
    Column("best by", importance=2),
    Column("state", importance=6),
    Column("varies", importance=4, least=8),
)


@dataclass(kw_only=True)
class Studies(JsonArguments):
    """List the studies of the runs folder, or of a storage."""

    storage: str = ""
    """The URL that `tutorch search --storage` was given; the default is the runs folder, or what
    the variable TUTORCH_STORAGE says."""


def main(argv: Sequence[str]) -> int:
    """Print the studies."""
    arguments, given = parse(Studies, argv, "runs_dir")
    storage = arguments.storage or os.environ.get("TUTORCH_STORAGE", "")
    folder = runs_dir(given)
    found = list_studies(folder, storage, print_to_stderr)
    if arguments.json:
        print_json([as_plain(study) for study in found])
    elif found:
        print_list(_COLUMNS, [_row(study) for study in found])
    else:
        where = "there" if storage else f"in {folder.absolute()}"
        print_to_stderr(f"no studies {where} yet: `tutorch search LECTURE --vary ...` makes one")
    return 0


def _row(study: StudySummary) -> list[str]:
    best = study.best
    return [
        study.name,
        study.lecture.removeprefix("lecture_"),
        short_name(study.dataset),
        f"{len(study.trials)}/{study.total}",
        format_number(study.metric, best.metric_value) if best is not None else "-",
        study.metric.replace("_", " "),
        study.state,
        ", ".join(study.settings),
    ]
