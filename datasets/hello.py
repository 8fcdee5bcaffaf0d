"""Hello: the one word of lecture 12, whose letters the network maps to others.

From `hello` the network learns `ohlol`: for each of the five letters it predicts the one in its
place. The two l become different letters (l and o), so the letter alone is not enough: the network
must remember what came before. There is no test set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from datasets.dataset import Data, Dataset, DataSpec, Split
from datasets.reading.progress import NO_REPORTS, ProgressReporter

LETTERS = ("e", "h", "l", "o")


def read(_: Mapping[str, Path], __: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (1, 5) and targets (1, 5), int64 numbers of letters in `e h l o`."""
    return Data(
        spec=DataSpec((5,), "multiclass", classes=LETTERS, vocabulary=LETTERS),
        train=Split(encode("hello")[np.newaxis], encode("ohlol")[np.newaxis]),
        test=None,
        encode=WordEncoder(),
        input_help="five of the letters e, h, l, o, such as hello",
    )


def encode(text: str) -> np.ndarray:
    """The five letters of `text` as (5,) int64. Raises ValueError."""
    word = text.strip().lower()
    if len(word) != 5 or not set(word) <= set(LETTERS):
        raise ValueError(f"give five of the letters {', '.join(LETTERS)}, not {text!r}")
    return np.array([LETTERS.index(letter) for letter in word], np.int64)


@dataclass(frozen=True)
class WordEncoder:
    """Turns a word that the user types into inputs."""

    shape: ClassVar = (5,)
    dtype: ClassVar = np.int64

    def __call__(self, text: str) -> np.ndarray:
        """The letters as (5,) int64. Raises ValueError."""
        return encode(text)


DATASET = Dataset(
    title="hello",
    description="The one word of lecture 12: from hello, ohlol.",
    read=read,
)
