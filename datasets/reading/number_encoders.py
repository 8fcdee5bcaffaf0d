"""Scales measurements, and parses those that the user types for a prediction."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Scale:
    """Shifts and scales each feature to mean 0 and standard deviation 1 over the train rows."""

    mean: np.ndarray
    std: np.ndarray

    def __post_init__(self) -> None:
        if self.mean.shape != self.std.shape or not (self.std > 0).all():
            raise ValueError("each feature needs a mean and a standard deviation above 0")

    @classmethod
    def of(cls, train: np.ndarray) -> Scale:
        """The scale of the rows `train` (N, features). A constant feature is only shifted."""
        std = train.std(axis=0)
        return cls(train.mean(axis=0), np.where(std > 0, std, 1))

    def by_name(self, names: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of each feature, by its name."""
        both = zip(self.mean.tolist(), self.std.tolist(), strict=True)
        return dict(zip(names, both, strict=True))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """`values` (..., features) scaled, float32."""
        return ((values - self.mean) / self.std).astype(np.float32)


def typed_values(text: str, names: Sequence[str]) -> list[str]:
    """The values in `text`, one for each of `names`, separated by commas, or else by spaces; a
    value with a comma in it is quoted.

    Raises ValueError when there are more or fewer.
    """
    if "," in text:
        try:
            row = next(csv.reader([" ".join(text.splitlines())], skipinitialspace=True), [])
        except csv.Error as error:
            raise ValueError(
                f"this can't be read as values separated by commas: {error}"
            ) from error
        values = [word.strip() for word in row]
    else:
        values = text.split()
    if len(values) != len(names):
        needed = "one value" if len(names) == 1 else f"{len(names)} values separated by commas"
        raise ValueError(f"give {needed} ({', '.join(names)}), not {len(values)}")
    return values


def encode_numbers(text: str, names: Sequence[str]) -> np.ndarray:
    """The numbers in `text`, one for each of `names`, as (len(names),) float32.

    Raises ValueError, naming what is wrong.
    """
    typed = zip(names, typed_values(text, names), strict=True)
    return np.array([parse_number(value, name) for name, value in typed], np.float32)


@dataclass(frozen=True)
class NumbersEncoder:
    """Turns numbers that the user types, one for each of `names`, into inputs. `scale` is the one
    of the data; None if they weren't scaled.
    """

    names: tuple[str, ...]
    scale: Scale | None = None
    dtype: ClassVar = np.float32

    def __post_init__(self) -> None:
        if self.scale is not None and self.scale.mean.shape != self.shape:
            raise ValueError(f"{len(self.names)} features are scaled as {len(self.scale.mean)}")

    @property
    def shape(self) -> tuple[int, ...]:
        """A sample's shape."""
        return (len(self.names),)

    def __call__(self, text: str) -> np.ndarray:
        """The inputs, (len(names),) float32. Raises ValueError."""
        numbers = encode_numbers(text, self.names)
        return numbers if self.scale is None else self.scale(numbers)


def parse_number(text: str, name: str) -> float:
    """The number in `text`. Raises ValueError with `name` in its text."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{name}: {text!r} is not a finite number")
    return value
