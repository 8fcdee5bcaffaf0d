"""Lists the fields of the form for a lecture."""

from __future__ import annotations

from dataclasses import replace

from models.fields import Field, fields_of
from models.lecture import Lecture
from tui_app.runs.settings.run_options import TABLE_OPTIONS, RunOptions


def draft_fields(lecture: Lecture) -> dict[str, Field]:
    """Return the data set, the hyperparameters, then the options of a run."""
    options = dict(fields_of(RunOptions))
    del options["runs_dir"]  # new runs go where the app reads runs
    of_tables = {name: options.pop(name) for name in TABLE_OPTIONS}
    dataset = replace(
        options.pop("dataset"),
        kind=None,
        choices=lecture.datasets,
        help="The data to learn from.",
    )
    return {"dataset": dataset, **of_tables, **lecture.fields, **options}
