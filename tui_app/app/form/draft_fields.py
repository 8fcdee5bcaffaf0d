"""Lists the fields of the form for a lecture, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from models.fields import Field, InvalidValue, fields_of
from models.lecture import Lecture
from tui_app.app.form.form_values import parse_form_text
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


def default_values(
    lecture: Lecture, dataset: str, fields: Mapping[str, Field], texts: Mapping[str, str]
) -> dict[str, Any]:
    """Return the lecture's defaults for this data set and for the choices in `texts` that are
    valid.
    """
    given = {}
    for name, text in texts.items():
        field = fields[name]
        if (field.choices and name not in ("dataset", "device")) or field.kind is bool:
            try:
                given[name] = parse_form_text(field, text)[0]
            except InvalidValue:
                continue
    options = vars(RunOptions())
    given = {name: value for name, value in given.items() if name not in options}
    try:
        settings = lecture.resolve(dataset, given)
    except InvalidValue:
        settings = lecture.resolve(dataset, {})
    # A field's own default, not the value that was chosen for it.
    plain = vars(settings) | {name: fields[name].default for name in given}
    plain |= {
        name: value for name, value in lecture.overrides.get(dataset, {}).items() if name in given
    }
    return {name: {**options, **plain}[name] for name in fields} | {"dataset": lecture.datasets[0]}
