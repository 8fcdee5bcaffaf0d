"""Previews the user's own data: the beginning of a table, the classes of a folder of images.

Only a part is read, so that a file of any size is previewed at once. The preview says nothing of
the rest.
"""

from __future__ import annotations

import codecs
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.dataset import DataDamaged, DataUnavailable, Task
from datasets.own.column_names import ColumnChoice
from datasets.own.image_folder import encoder_of_sample
from datasets.own.image_lists import image_folders, images_in
from datasets.own.target import read_target
from datasets.reading.cell_numbers import read_number
from datasets.reading.decimal_signs import decimal_commas
from datasets.reading.image_encoder import ImageEncoder
from datasets.reading.image_files import SUFFIXES
from datasets.reading.progress import NO_REPORTS, ProgressReporter
from datasets.reading.tables import Table, read_chunks
from datasets.reading.text_files import encoding_note, read_beginning

#: Bytes, rows and cells that are read of a table.
MOST_BYTES, MOST_ROWS, MOST_CELLS = 2**24, 5_000, 1_000_000

#: Images of a class that are opened to find their format, and may be shown.
SAMPLED_IMAGES = 20


@dataclass(frozen=True)
class TablePreview:
    """The first rows of a table. `rows` is the number of rows in the file: an estimate unless
    `is_whole`, None where it can't be estimated. `encoding` is a note for the user where the text
    isn't UTF-8; `commas` has the columns with decimal commas.
    """

    table: Table
    is_whole: bool
    rows: int | None
    encoding: str
    commas: frozenset[str]

    def classes(self, column: str) -> list[tuple[str, int]]:
        """A column's different values and how often each occurs, the most frequent first."""
        counts = Counter(text for text in self.table.texts(column) if text)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def numbers(self, column: str) -> list[float] | None:
        """The numbers in a column; None if any cell isn't a number."""
        decimal = "," if column in self.commas else "."
        texts = [text for text in self.table.texts(column) if text]
        values = [read_number(text, decimal) for text in texts]
        known = [value for value in values if value is not None]
        return known if len(known) == len(values) else None


def preview_table(path: Path) -> TablePreview:
    """Read the beginning of the table in `path`. Raises DataUnavailable, DataDamaged, OSError."""
    if not path.is_file():
        raise DataUnavailable(f"csv:{path}: there is no such file.")
    start = read_beginning(path, MOST_BYTES + 1)
    if len(start) <= MOST_BYTES:
        return _preview(path, len(start), encoding_note(path))
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / path.name
        part.write_bytes(_whole_lines(start))
        try:
            found = _preview(part, 0, encoding_note(part))
        except DataDamaged as error:
            raise DataDamaged(str(error).replace(str(part), str(path))) from error
    table = replace(found.table, path=path)
    is_packed = path.stat().st_size < len(start)
    rows = None if is_packed else _rows_in(path.stat().st_size, table)
    return replace(found, table=table, is_whole=False, rows=rows)


def _preview(path: Path, size: int, encoding: str) -> TablePreview:
    """The first rows of a file with `size` bytes of text."""
    columns = len(next(read_chunks(path, 1)).columns)
    most = max(20, min(MOST_ROWS, MOST_CELLS // columns))
    table = next(read_chunks(path, most))
    if len(table) > most:  # an ARFF file comes whole
        table = replace(table, rows=table.rows[:most], lines=table.lines[:most])
    is_whole, commas = len(table) < most, decimal_commas(table)
    rows = len(table) if is_whole else max(most, _rows_in(size, table))
    return TablePreview(table, is_whole, rows, encoding, commas)


def _rows_in(size: int, table: Table) -> int:
    """An estimate of the rows in `size` bytes, by the rows of `table`."""
    read = sum(sum(len(cell.encode()) for cell in row) + len(row) for row in table.rows)
    return round(len(table) * size / max(1, read))


def _whole_lines(start: bytes) -> bytes:
    """The whole lines of a file's beginning, without the last one, which is cut off. UTF-16 with a
    byte order mark becomes UTF-8.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        start = start.decode("utf-16", errors="ignore").encode()
    return start[: start.rfind(b"\n") + 1] or start


def check_table(preview: TablePreview, choice: ColumnChoice, task: Task | None) -> None:
    """Raise the errors that training would raise, as far as the preview's rows show them.

    UnknownDataset for columns that don't exist, DataDamaged for a target that doesn't suit `task`.
    """
    table = preview.table
    choice.refuse_unknown(table.path, table.columns)
    decimal = "," if choice.target in preview.commas else "."
    texts = {text for text in table.texts(choice.target) if text}
    has_text = any(read_number(text, decimal) is None for text in texts)
    is_wrong = (task == "regression" and has_text) or (task == "binary" and len(texts) > 2)
    if preview.is_whole or is_wrong:
        read_target(table, choice.target, task, decimal)


@dataclass(frozen=True)
class FolderClass:
    """A class: how many images it has in the train and in the test set, and the first of them."""

    name: str
    train: int
    test: int
    images: tuple[Path, ...]


@dataclass(frozen=True)
class FolderPreview:
    """The classes of a folder of images. `encoder` has the common format of each class's first
    images. `test` is the folder of the test set, if there is one.
    """

    folder: Path
    classes: tuple[FolderClass, ...]
    encoder: ImageEncoder
    test: Path | None

    @property
    def count(self) -> int:
        """All images."""
        return sum(each.train + each.test for each in self.classes)


def preview_folder(folder: Path, reporter: ProgressReporter = NO_REPORTS) -> FolderPreview:
    """Count the images in the folders of `folder`, and open the first of each class.

    Raises DataUnavailable, DataDamaged, and LoadingStopped once `reporter` requests a stop.
    """
    if not folder.is_dir():
        raise DataUnavailable(f"folder:{folder}: there is no such folder.")
    found = image_folders(folder)
    classes = []
    for name in found.classes:
        images, count = _images(found.train / name, reporter)
        held_out = _images(found.test / name, reporter)[1] if found.test else 0
        classes.append(FolderClass(name, count, held_out, images))
    shown = [image for each in classes for image in each.images]
    if not shown:
        raise DataDamaged(f"{folder} has no images ({', '.join(sorted(SUFFIXES))}).")
    encoder = encoder_of_sample(shown, reporter)
    return FolderPreview(folder, tuple(classes), encoder, found.test)


def _images(folder: Path, reporter: ProgressReporter) -> tuple[tuple[Path, ...], int]:
    """The first images in a folder, and how many there are."""
    first: list[Path] = []
    count = 0
    for path in images_in(folder, reporter):
        count += 1
        if len(first) < SAMPLED_IMAGES:
            first.append(path)
    return tuple(sorted(first)), count
