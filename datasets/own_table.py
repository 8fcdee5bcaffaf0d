"""A table of one's own as a data set: `csv:FILE` and the column that is to be predicted.

Numbers are shifted and scaled to mean 0 and standard deviation 1, a missing one is filled with the
median; texts become one input per different text, 1 where it applies. All of that is measured on
the rows to learn from, and a fifth is held out, of each class where the target has classes. A file
too large for memory is read in chunks, what its columns are like is measured on a sample of it, and
the encoded rows lie in a file of the cache (`mapped.py`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from datasets.dataset import Data, Dataset, DataSpec, DataUnavailable, Split, Task, UnknownDataset
from datasets.encoding import typed_values
from datasets.mapped import filled
from datasets.own_columns import Column, learn_columns, scales_of
from datasets.own_target import read_target
from datasets.splitting import held_out
from datasets.tables import Table, read_chunks

SAMPLE = 2**27
"""Bytes of a file up to which its rows are held as text, which takes about ten times as much."""

CHUNK = 20_000
"""Rows that are read at once from a file too large for memory."""


def table_dataset(path: Path, target: str | None, task: Task | None) -> Dataset:
    """The data set in the file `path`, whose column `target` is to be predicted.

    `task` says what for; None goes by the column. Raises UnknownDataset, DataUnavailable,
    DataDamaged.
    """
    if not path.is_file():
        raise DataUnavailable(f"csv:{path}: there is no such file.")
    columns = next(read_chunks(path, 1)).columns
    if target not in columns:
        near = difflib.get_close_matches(target or "", columns, n=3) or columns
        wrong = f"has no column {target!r}" if target else "needs --target"
        raise UnknownDataset(f"csv:{path} {wrong}: which of {', '.join(near)} is to be predicted?")
    return Dataset(
        title=path.name,
        description=f"{target} from the other {len(columns) - 1} columns of {path}.",
        read=lambda _: read(path, target, task),
    )


def read(path: Path, name: str, task: Task | None) -> Data:
    """The table with its column `name` as the target. Raises DataDamaged, naming the line."""
    answers, sample, sampled = _look_through(path, name)
    target = read_target(answers, name, task)
    held = held_out(target.labels)
    train, test = target.given.copy(), target.given.copy()
    train[target.given], test[target.given] = ~held, held
    columns, notes = learn_columns(sample.where(train[sampled]), name)
    whole = [sample] if len(sample) == len(answers) else None

    def part(rows: np.ndarray, label: str) -> np.ndarray:
        shape = (int(rows.sum()), sum(column.width for column in columns))
        fill = partial(_fill, tables=whole or read_chunks(path, CHUNK), rows=rows, columns=columns)
        return filled(shape, np.float32, fill, [path], f"{name} {task} {label}")

    return Data(
        spec=DataSpec((sum(column.width for column in columns),), target.task, target.classes),
        train=Split(part(train, "train"), target.values[~held]),
        test=Split(part(test, "test"), target.values[held]) if held.any() else None,
        encode=partial(_encode, columns=columns),
        input_help=", ".join(column.name for column in columns) + " (? for what is unknown)",
        notes=(*target.notes, *notes),
        scales=scales_of(columns),
    )


def _look_through(path: Path, name: str) -> tuple[Table, Table, np.ndarray]:
    """The column `name` of all rows, and a sample that fits into memory, with its rows' places."""
    share = min(1, SAMPLE / max(1, path.stat().st_size))
    random = np.random.RandomState(0)
    answers, samples = Table(path, (name,), [], []), []
    places = []
    for table in read_chunks(path, CHUNK):
        chosen = random.random_sample(len(table)) < share
        places.append(len(answers) + np.flatnonzero(chosen))
        samples.append(table.where(chosen))
        answers.rows.extend([text] for text in table.texts(name))
        answers.lines.extend(table.lines)
    sample = Table(path, samples[0].columns, [], [])
    for part in samples:
        sample.rows.extend(part.rows)
        sample.lines.extend(part.lines)
    return answers, sample, np.concatenate(places)


def _fill(
    inputs: np.ndarray, tables: Iterable[Table], rows: np.ndarray, columns: Sequence[Column]
) -> None:
    start = done = 0
    for table in tables:
        chosen = table.where(rows[start : start + len(table)])
        encoded = [column(chosen) for column in columns]
        inputs[done : done + len(chosen)] = np.concatenate(encoded, axis=1)
        start, done = start + len(table), done + len(chosen)


def _encode(text: str, columns: Sequence[Column]) -> np.ndarray:
    typed = typed_values(text, [column.name for column in columns])
    parts = [column.typed(value) for column, value in zip(columns, typed, strict=True)]
    return np.concatenate(parts).astype(np.float32)
