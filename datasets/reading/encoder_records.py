"""Stores a run's encoder as JSON and restores it, so that a run can predict without its data.

An encoder turns text that the user types into one sample. It is a frozen dataclass of values that
`plain_records.py` can store, with the sample's `shape` and `dtype`, callable with a text. Its
__post_init__ raises ValueError for fields that contradict each other. Add a new one to `MODULES`.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import numpy as np

from datasets.reading.data import Encoder
from datasets.reading.plain_records import WrongRecord, from_plain, to_plain

#: Each encoder's class, and its module in the package `datasets`.
MODULES = {
    "NumbersEncoder": "reading.number_encoders",
    "MeasurementsEncoder": "diabetes",
    "PassengerEncoder": "titanic",
    "CountsEncoder": "otto",
    "TableEncoder": "own.table_encoder",
    "DrawingEncoder": "reading.drawing_encoders",
    "PictureEncoder": "reading.drawing_encoders",
    "ScanEncoder": "digits",
    "ImageEncoder": "reading.image_encoder",
    "WordEncoder": "hello",
    "NameEncoder": "names",
}


class StoredEncoder(Protocol):
    """An encoder restored from its record, with the shape and the type of its samples."""

    def __call__(self, text: str, /) -> np.ndarray:
        """The text that the user typed as one sample. Raises ValueError with a sentence."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """A sample's shape."""
        ...

    @property
    def dtype(self) -> type[np.generic]:
        """The type of a sample's values."""
        ...


def encoder_record(encoder: Encoder) -> dict[str, Any] | None:
    """The encoder as plain JSON values; None for one that `MODULES` doesn't list."""
    return to_plain(encoder) if type(encoder).__name__ in MODULES else None


def encoder_from_record(record: Any) -> StoredEncoder:
    """The encoder that `encoder_record` described. Raises WrongRecord."""
    kind = record.get("kind") if isinstance(record, dict) else None
    if not isinstance(kind, str) or kind not in MODULES:
        raise WrongRecord("the encoder is of an unknown kind")
    module = importlib.import_module(f"datasets.{MODULES[kind]}")
    return from_plain(getattr(module, kind), record, "the encoder")
