"""Reads what a setting may vary over: `a|b|c` are choices, `lo..hi` a range, `lo..hi:log` one on a
logarithmic scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from models.fields import Field, InvalidValue, setting_text

_BETWEEN = ".."
_LOG = ":log"


@dataclass(frozen=True)
class Choices:
    """A setting takes one of these values, which have no order."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        """The text that `parse_variation` reads back."""
        return "|".join(map(setting_text, self.values))


@dataclass(frozen=True)
class Span:
    """A setting takes a number from `low` to `high`, both included.

    On a logarithmic scale with `is_log`; a whole number with `is_whole`.
    """

    low: float
    high: float
    is_log: bool = False
    is_whole: bool = False

    def __str__(self) -> str:
        """The text that `parse_variation` reads back."""
        log = _LOG if self.is_log else ""
        return f"{setting_text(self.low)}{_BETWEEN}{setting_text(self.high)}{log}"


Variation: TypeAlias = Choices | Span


def parse_variation(field: Field, text: str) -> Variation:
    """Parse the choices or the range of a field.

    Raises InvalidValue in the field's own words for a value that the field doesn't allow, for a
    range of something that isn't a number, and for a text with only one value.
    """
    if "|" in text:
        return _checked_choices(field, [field.parse(part) for part in text.split("|")])
    if _BETWEEN in text:
        return _parse_span(field, text)
    value = setting_text(field.parse(text))
    raise InvalidValue(
        f"{field.label}: {value} is one value, which doesn't vary: give choices such as A|B"
        + (", or a range such as LOW..HIGH" if _has_numbers(field) else ""),
        field.name,
    )


def _parse_span(field: Field, text: str) -> Span:
    body, log, rest = text.partition(_LOG)
    low, _, high = body.partition(_BETWEEN)
    if not _has_numbers(field):
        raise InvalidValue(
            f"{field.label} has no range: {field.allowed_values}. Give choices such as A|B",
            field.name,
        )
    if rest.strip():
        raise InvalidValue(
            f"{field.label}: a range is LOW..HIGH or LOW..HIGH:log, not {text[:60]!r}", field.name
        )
    return _checked_span(field, field.parse(low), field.parse(high), is_log=bool(log))


def _checked_span(field: Field, low: Any, high: Any, *, is_log: bool) -> Span:
    ends = f"{setting_text(low)}{_BETWEEN}{setting_text(high)}"
    if any(isinstance(end, str) for end in (low, high)):  # a word such as `full`
        raise InvalidValue(f"{field.label}: a range is between two numbers, not {ends}", field.name)
    if low >= high:
        raise InvalidValue(
            f"{field.label}: a range ends above its beginning, which {ends} doesn't", field.name
        )
    if is_log and low <= 0:
        raise InvalidValue(
            f"{field.label}: a logarithmic range begins above 0, which {ends} doesn't", field.name
        )
    return Span(low, high, is_log=is_log, is_whole=field.kind is int)


def _checked_choices(field: Field, values: list[Any]) -> Choices:
    for value in values:
        if values.count(value) > 1:
            raise InvalidValue(
                f"{field.label}: {setting_text(value)} stands twice among its choices", field.name
            )
    return Choices(tuple(values))


def _has_numbers(field: Field) -> bool:
    return field.kind in (int, float) and not field.is_tuple


def as_plain(variation: Variation) -> dict[str, Any]:
    """The variation as JSON can hold it."""
    if isinstance(variation, Choices):
        return {"choices": list(variation.values)}
    return dict(vars(variation))


def from_plain(values: Mapping[str, Any]) -> Variation:
    """The variation that `as_plain` wrote, without a check by its field. Raises ValueError."""
    try:
        if "choices" in values:
            texts = [tuple(v) if isinstance(v, list) else v for v in values["choices"]]
            return Choices(tuple(texts))
        low, high = values["low"], values["high"]
        if not all(type(end) in (int, float) for end in (low, high)):
            raise ValueError("the ends of a range aren't numbers")
        return Span(low, high, bool(values.get("is_log")), bool(values.get("is_whole")))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a range or choices: {str(values)[:60]}") from error


def check_variation(field: Field, variation: Variation) -> Variation:
    """Return a recorded variation if its field allows it. Raises InvalidValue."""
    if isinstance(variation, Choices):
        return _checked_choices(field, [field.check(value) for value in variation.values])
    if not _has_numbers(field):
        raise InvalidValue(f"{field.label} has no range: {field.allowed_values}", field.name)
    low, high = field.check(variation.low), field.check(variation.high)
    return _checked_span(field, low, high, is_log=variation.is_log)
