"""Writes values of a run into its script as Python literals and comments, never as code.

The class names, versions, titles and settings of a run folder are untrusted. They reach a script
through `literal` or `comment`, and in no other way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pprint import pformat
from typing import Any

from models.fields import InvalidValue
from tui_app.text.escaping import printable


class _NonFinite(float):
    """A number without a Python literal."""

    def __repr__(self) -> str:
        return f"float({float.__repr__(self)!r})"


def literal(value: Any, indent: int = 0) -> str:
    """The value as an expression; `indent` applies to every line after the first.

    Raises InvalidValue for anything but plain values.
    """
    text = pformat(_plain(value), width=88, compact=True, sort_dicts=False)
    return text.replace("\n", "\n" + " " * indent)


def comment(text: object) -> str:
    """The text as a comment of one line."""
    return f"# {printable(' '.join(str(text).split()))}"


def _plain(value: Any) -> Any:
    """The value in Python's own types; the repr of other types could be arbitrary text."""
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case float():
            return float(value) if math.isfinite(value) else _NonFinite(value)
        case str():
            return str.__str__(value)
        case tuple():
            return tuple(map(_plain, value))
        case list():
            return list(map(_plain, value))
        case Mapping():
            return {_plain(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "item"):  # one of numpy's numbers
        return _plain(value.item())
    raise InvalidValue(f"a script can't hold a value of type {type(value).__name__}")
