"""What a person types for a prediction, as the numbers that a model takes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def encode_numbers(text: str, names: Sequence[str]) -> np.ndarray:
    """The numbers in `text`, one for each of `names`, as (len(names),) float32.

    They stand apart by commas or spaces. Raises ValueError, naming what is wrong.
    """
    words = text.replace(",", " ").split()
    if len(words) != len(names):
        wanted = "a number" if len(names) == 1 else f"{len(names)} numbers"
        raise ValueError(f"give {wanted} ({', '.join(names)}), not {len(words)}")
    values = []
    for name, word in zip(names, words, strict=True):
        try:
            values.append(float(word))
        except ValueError:
            raise ValueError(f"{name}: {word!r} is no number") from None
        if not math.isfinite(values[-1]):
            raise ValueError(f"{name}: {word!r} is no finite number")
    return np.array(values, np.float32)
