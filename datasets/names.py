"""Names: 20 074 family names from 18 countries, the data of lecture 13.

13 374 in the train set and 6 700 in the test set, as in the course; every name is plain ASCII, the
longest has 19 letters. Nearly half are Russian, so always predicting Russian is right for 46.8 % of
the test set. The files are sorted by country: without shuffling, a network sees one country at a
time and forgets the last. Some names occur in two countries, so 100 % is impossible. The files come
from the course's predecessor, PyTorch Zero To All (78 kB).
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from datasets.dataset import Data, DataDamaged, Dataset, DataSpec, RemoteFile, Split
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.text_files import open_text

LENGTH = 19
ASCII = tuple(map(chr, range(128)))

# GitHub, and a content delivery network with its files, for places where GitHub is slow.
MIRRORS = (
    "https://raw.githubusercontent.com/hunkim/PyTorchZeroToAll/master/data/",
    "https://cdn.jsdelivr.net/gh/hunkim/PyTorchZeroToAll@master/data/",
    "https://fastly.jsdelivr.net/gh/hunkim/PyTorchZeroToAll@master/data/",
)


def read(paths: Mapping[str, Path], reporter: ProgressReporter = NO_REPORTS) -> Data:
    """Inputs (N, 19) ASCII codes, padded with 0 at the end; targets (N,) countries; all int64.

    Raises DataDamaged, naming the file.
    """
    train, test = (_rows(paths[file.name]) for file in (TRAIN, TEST))
    countries = sorted({country for _, country in train})
    if unknown := {country for _, country in test} - set(countries):
        raise DataDamaged(
            f"{paths[TEST.name]} has {', '.join(unknown)}, which isn't in the train set."
        )
    return Data(
        spec=DataSpec((LENGTH,), "multiclass", classes=tuple(countries), vocabulary=ASCII),
        train=_split(train, countries),
        test=_split(test, countries),
        encode=NameEncoder(),
        input_help="a family name",
    )


def _rows(path: Path) -> list[list[str]]:
    with open_text(path) as file:
        rows = list(csv.reader(file))
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not (row[0].isascii() and 0 < len(row[0]) <= LENGTH):
            raise DataDamaged(
                f"{path}, line {number} isn't a name and a country: {','.join(row)!r}."
            )
    if not rows:
        raise DataDamaged(f"{path} has no names. Fetch it again.")
    return rows


def _split(rows: Sequence[Sequence[str]], countries: Sequence[str]) -> Split:
    return Split(
        np.stack([_codes(name) for name, _ in rows]),
        np.array([countries.index(country) for _, country in rows], np.int64),
    )


def _codes(name: str) -> np.ndarray:
    return np.frombuffer(name.encode("ascii").ljust(LENGTH, b"\0"), np.uint8).astype(np.int64)


def encode(text: str) -> np.ndarray:
    """A name as (19,) int64, without accents. Raises ValueError for letters that aren't ASCII."""
    decomposed = unicodedata.normalize("NFKD", text.strip().replace("\u2019", "'"))
    name = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    if foreign := sorted(
        {letter for letter in name if not (letter.isascii() and letter.isprintable())}
    ):
        raise ValueError(f"use Latin letters, e.g. Wang, instead of {' '.join(foreign)}")
    if not 0 < len(name) <= LENGTH:
        raise ValueError(f"give a name of 1 to {LENGTH} letters, not {len(name)}")
    return _codes(name)


@dataclass(frozen=True)
class NameEncoder:
    """Turns a name that the user types into inputs."""

    shape: ClassVar = (LENGTH,)
    dtype: ClassVar = np.int64

    def __call__(self, text: str) -> np.ndarray:
        """The letters as (19,) int64. Raises ValueError."""
        return encode(text)


def _file(name: str, size: int, md5: str) -> RemoteFile:
    urls = tuple(mirror + name for mirror in MIRRORS)
    return RemoteFile(name, urls, size, f"md5:{md5}", aliases=(name.removesuffix(".gz"),))


TRAIN = _file("names_train.csv.gz", 50_237, "279fed4465b63788995257cf0a81f3af")
TEST = _file("names_test.csv.gz", 27_541, "3729799e72df4be417721aab647340e3")

DATASET = Dataset(
    title="Family names of 18 countries",
    description="13 374 names to train on and 6 700 to test on: which country is it from?",
    read=read,
    files=(TRAIN, TEST),
)
