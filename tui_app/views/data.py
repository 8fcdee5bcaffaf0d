"""Draws the data set: sizes, classes, value ranges, the shapes of a batch, and some samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.raster import brightness, fit_image
from tui_app.drawing.table import bar, sentence, wrapped
from tui_app.text.cells import padded
from tui_app.text.quantities import rounded
from tui_app.views.shared.sample_tiles import BETWEEN, HEIGHT, WIDTH
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.data import DataSummary, ValueRange


def draw(found: DataSummary, frame: Frame) -> list[Text]:
    """The summary, then the classes, then as many samples as fit."""
    lines = _summary(found, frame)
    if found.classes:
        lines += _classes(found, frame, max(3, frame.rows - len(lines) - HEIGHT - 3))
    lines.append(Text())
    room = frame.rows - len(lines)
    if room > 1:
        lines += _samples(found, frame, room)
    return lines


def _summary(found: DataSummary, frame: Frame) -> list[Text]:
    sizes = ", ".join(f"{count} {split}" for split, count in found.sizes)
    samples = "sample" if sum(count for _, count in found.sizes) == 1 else "samples"
    inputs, kind, targets, target_kind = found.batch
    times = frame.pen.sign("×", "x")
    shapes = times.join(map(str, inputs)), times.join(map(str, targets))
    batch = f"inputs {shapes[0]} {kind}, targets {shapes[1]} {target_kind}"
    lines = [
        sentence((found.name, "strong"), f": {sizes} {samples}, {found.task}", pen=frame.pen),
        sentence(("one batch   ", "faint"), batch, pen=frame.pen),
        sentence(
            ("as read     ", "faint"), f"{_range(found.before)} ({found.input_type})", pen=frame.pen
        ),
    ]
    if found.before != found.after and not found.vocabulary:
        lines.append(sentence(("normalised  ", "faint"), _range(found.after), pen=frame.pen))
    for note in found.notes[:3]:
        lines += wrapped(note, frame.columns, frame.pen)[:2]
    return lines


def _range(of: ValueRange) -> str:
    low, high, mean, deviation = map(rounded, (of.low, of.high, of.mean, of.std))
    return f"{low} to {high}, mean {mean}, deviation {deviation}"


def _classes(found: DataSummary, frame: Frame, room: int) -> list[Text]:
    """The samples of each class in every split, with a bar for the train set."""
    pen, (_, train) = frame.pen, found.counts[0]
    names = min(16, max(map(len, found.classes)) + 1)
    across = max(1, min(-(-len(found.classes) // room), frame.columns // (names + 24)))
    width = frame.columns // across
    down = -(-len(found.classes) // across)
    rows = min(down, room)
    canvas = Canvas(frame.columns, rows, pen)
    for place, name in enumerate(found.classes):
        column, row = divmod(place, down)
        if row >= rows:
            continue
        numbers = "/".join(str(counts[place]) for _, counts in found.counts)
        text = f"{padded(name, names)}{numbers:>12} "
        canvas.write(column * width, row, text)
        share = float(train[place] / max(1, train.max()))
        bars = max(3, width - len(text) - 8)
        canvas.write(column * width + len(text), row, bar(share, bars, pen), pen.style("model"))
        percent = f" {100 * train[place] / train.sum():4.1f}%"
        canvas.write(column * width + len(text) + bars, row, percent, pen.style("faint"))
    return [Text(), *canvas.lines()]


def _samples(found: DataSummary, frame: Frame, room: int) -> list[Text]:
    canvas = Canvas(frame.columns, room, frame.pen)
    if found.samples.ndim == 4 and room > HEIGHT:
        across = (frame.columns + BETWEEN) // (WIDTH + BETWEEN)
        for number in range(min(len(found.samples), across * (room // (HEIGHT + 1)))):
            x, y = number % across * (WIDTH + BETWEEN), number // across * (HEIGHT + 1)
            canvas.pixels(x, y, fit_image(brightness(found.samples[number]), WIDTH, HEIGHT))
            label = padded(found.labels[number], WIDTH).rstrip()
            canvas.write(x, y + HEIGHT, label, frame.pen.style("data"))
        return canvas.lines()
    for number in range(min(len(found.samples), room)):
        label = found.labels[number]
        canvas.write(0, number, _text(found, number, frame.columns - len(label) - 6))
        canvas.write(
            frame.columns - len(label) - 4,
            number,
            f"{frame.pen.sign('→', '>')} {label}",
            frame.pen.style("data"),
        )
    return canvas.lines()


def _text(found: DataSummary, number: int, columns: int) -> str:
    """A sample as text: letters, or numbers."""
    row = found.samples[number].reshape(-1)
    if found.vocabulary:
        return "".join(found.vocabulary[int(code)] for code in row if code or len(row) < 8)
    return padded(
        " ".join(f"{float(value):7.3f}" for value in row[: columns // 8 + 1]), columns
    ).rstrip()


VIEW = View("Data", "data", draw)
