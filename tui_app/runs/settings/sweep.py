"""Reads the values of a sweep, in a form or in `--sweep`, and limits how many runs they make."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from datasets.own.names import is_own_data
from models.fields import Field, InvalidValue
from tui_app.runs.settings.run_settings import own_data

#: A sweep of more runs than these is a mistake.
MAX_RUNS = 64


def split_values(field: Field, text: str) -> list[str]:
    """Split a list of values at `,` or `|`; at `;` or `|` where a value itself has commas."""
    return [part.strip() for part in re.split("[;|]" if field.is_tuple else "[,|]", text)]


def parse_list(field: Field, text: str) -> tuple[Any, ...]:
    """Parse the values that `--sweep FIELD=text` lists. Raises InvalidValue."""
    return tuple(field.parse(part) for part in split_values(field, text))


def parse_value_or_list(field: Field, text: str) -> tuple[Any, ...]:
    """Parse what a form's field holds: one value, or else a list of them. Raises InvalidValue.

    A text that is a valid value is that value, whatever separators it has: a path, a list of
    columns, a recorded setting that is edited again.
    """
    text = text.strip()
    if field.name == "dataset" and is_own_data(text):
        return (own_data(text),)
    try:
        return (field.parse(text),)
    except InvalidValue:
        if len(split_values(field, text)) == 1:
            raise
    return parse_list(field, text)


def combinations(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Return the settings of every run of a sweep: each combination of the fields' values.

    Raises InvalidValue for more than MAX_RUNS.
    """
    count = math.prod(map(len, values.values()))
    if count > MAX_RUNS:
        raise InvalidValue(f"these values make {count} runs; {MAX_RUNS} is the most")
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
