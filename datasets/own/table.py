"""Reads the user's table as a data set: `csv:FILE` and the column to predict.

`columns.py` decides what each column is, `cell_numbers.py` how numbers are written. Numbers are
shifted and scaled to mean 0 and standard deviation 1, missing ones filled with the median; text
becomes one input per different text, 1 where it applies. All of this is measured on the train rows.
A fifth of the rows is held out, of each class if the target has classes. A file too large for
memory is read in chunks: its columns are measured on a sample, and the encoded rows are kept in a
file of the cache (`mapped.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from datasets.dataset import Data, Dataset, DataSpec, DataUnavailable, Split, Task
from datasets.own.column_names import ColumnChoice
from datasets.own.columns import describe_columns
from datasets.own.mapped import filled_array
from datasets.own.table_encoder import TableEncoder, learn_encoder
from datasets.own.target import read_target
from datasets.reading.decimal_signs import decimal_commas
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.splitting import held_out_rows
from datasets.reading.tables import Table, read_chunks
from datasets.reading.text_files import encoding_note, text_size

SAMPLE = 2**27
"""The largest file in bytes whose rows are held in memory as text, in about ten times as much."""

CHUNK = 20_000
"""Rows read at a time from a file too large for memory."""


def table_dataset(
    path: Path, choice: ColumnChoice, task: Task | None, reporter: ProgressReporter = NO_REPORTS
) -> Dataset:
    """The declaration of the table in `path`, with the columns of `choice`.

    `task` is the model's; with None the target decides. Raises UnknownDataset, DataUnavailable,
    DataDamaged.
    """
    if not path.is_file():
        raise DataUnavailable(f"csv:{path}: there is no such file.")
    columns = next(read_chunks(path, 1, reporter)).columns
    choice.refuse_unknown(path, columns)
    return Dataset(
        title=path.name,
        description=f"{choice.target} from {len(choice.inputs(columns))} columns of {path}.",
        read=lambda _, reporter: read(path, choice, task, reporter),
    )


def read(
    path: Path, choice: ColumnChoice, task: Task | None, reporter: ProgressReporter = NO_REPORTS
) -> Data:
    """Read the table with the target of `choice`. Raises DataDamaged with the line."""
    targets, sample, sampled = _read_target_and_sample(path, choice.target, reporter)
    commas = decimal_commas(sample, reporter)
    target = read_target(targets, choice.target, task, "," if choice.target in commas else ".")
    held = held_out_rows(target.labels)
    train, test = target.given.copy(), target.given.copy()
    train[target.given], test[target.given] = ~held, held
    learned_from = sample.where(train[sampled])
    reports = describe_columns(
        learned_from,
        choice.target,
        used=choice.inputs(sample.columns),
        named=choice.named,
        rows=len(targets),
        commas=commas,
        reporter=reporter,
    )
    encoder, notes = learn_encoder(learned_from, reports, reporter)
    is_whole = len(sample) == len(targets)

    def part(rows: np.ndarray, label: str) -> np.ndarray:
        shape = (int(rows.sum()), encoder.width)
        tables = sample.parts(CHUNK) if is_whole else read_chunks(path, CHUNK, reporter)
        fill = partial(_fill, tables=tables, rows=rows, encoder=encoder, reporter=reporter)
        return filled_array(shape, np.float32, fill, [path], f"{choice} {task} {label}", reporter)

    return Data(
        spec=DataSpec((encoder.width,), target.task, target.classes),
        train=Split(part(train, "train"), target.values[~held]),
        test=Split(part(test, "test"), target.values[held]) if held.any() else None,
        encode=encoder,
        input_help=encoder.input_help,
        notes=tuple(filter(None, (encoding_note(path), *target.notes, *notes))),
        scales=encoder.scales,
    )


def _read_target_and_sample(
    path: Path, name: str, reporter: ProgressReporter
) -> tuple[Table, Table, np.ndarray]:
    """The column `name` of all rows, a sample of rows that fits into memory, and their numbers."""
    share = min(1, SAMPLE / max(1, text_size(path, reporter)))
    random = np.random.RandomState(0)
    targets, samples = Table(path, (name,), [], []), []
    places = []
    for table in read_chunks(path, CHUNK, reporter):
        chosen = random.random_sample(len(table)) < share
        places.append(len(targets) + np.flatnonzero(chosen))
        samples.append(table.where(chosen))
        targets.rows.extend([text] for text in table.texts(name))
        targets.lines.extend(table.lines)
    first = samples[0]
    sample = Table(path, first.columns, [], [], first.separator)
    for part in samples:
        sample.rows.extend(part.rows)
        sample.lines.extend(part.lines)
    return targets, sample, np.concatenate(places)


def _fill(
    inputs: np.ndarray,
    tables: Iterable[Table],
    rows: np.ndarray,
    encoder: TableEncoder,
    reporter: ProgressReporter,
) -> None:
    start = done = 0
    for table in tables:
        reporter.advance(start, len(rows), "rows", action="encoding")
        chosen = table.where(rows[start : start + len(table)])
        inputs[done : done + len(chosen)] = encoder.rows(chosen, reporter)
        start, done = start + len(table), done + len(chosen)
