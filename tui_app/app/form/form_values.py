"""Reads the text of a form's field: a value, several values, or a range to search in."""

from __future__ import annotations

from typing import Any

from models.fields import Field, InvalidValue
from tui_app.runs.settings.sweep import parse_value_or_list
from tui_app.runs.settings.variation import Choices, Span, Variation, parse_variation


def parse_form_text(field: Field, text: str) -> tuple[Any, ...]:
    """Parse a value, several, or both ends of a range. Raises InvalidValue."""
    span = parse_range(field, text)
    return parse_value_or_list(field, text) if span is None else (span.low, span.high)


def parse_range(field: Field, text: str) -> Span | None:
    """Parse a range, `1e-4..1:log`; None for a text without one. Raises InvalidValue.

    A text that is a valid value is that value, whatever dots it has: a path, for example.
    """
    if ".." not in text:
        return None
    try:
        parse_value_or_list(field, text)
    except InvalidValue:
        variation = parse_variation(field, text.strip())
        return variation if isinstance(variation, Span) else None
    return None


def variation_in(field: Field, text: str) -> Variation | None:
    """Parse what a search varies: a range, or several values; None for one. Raises InvalidValue."""
    span = parse_range(field, text)
    if span is not None:
        return span
    values = parse_value_or_list(field, text)
    return Choices(values) if len(values) > 1 else None
