"""Draws samples side by side, each with its class and the predicted one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.cells import cell_len

from tui_app.drawing.canvas import Canvas
from tui_app.drawing.raster import brightness, fit_image
from tui_app.drawing.table import bar
from tui_app.text.cells import cut_distinct, padded

if TYPE_CHECKING:
    from tui_app.inspection.probes.predictions import Predictions

#: The cells of an image in a row of images, and of the gap between two.
WIDTH, HEIGHT, BETWEEN = 14, 7, 2


def is_image(found: Predictions) -> bool:
    """Whether the samples are images."""
    return found.inputs.ndim == 4


def text_at(found: Predictions, place: int) -> str:
    """A sample as text: its letters, or its first numbers."""
    return sample_as_text(found.inputs[place], found.vocabulary)


def sample_as_text(sample: np.ndarray, vocabulary: Sequence[str]) -> str:
    """A sample as text; the code 0 is the padding of short sequences."""
    row = sample.reshape(-1)
    if vocabulary:
        return "".join(vocabulary[int(code)] for code in row if code)
    return " ".join(f"{value:.2f}" for value in row[:8]) + (" ..." if len(row) > 8 else "")


def draw_tiles(canvas: Canvas, found: Predictions, places: np.ndarray, top: int = 0) -> int:
    """Draw as many samples as fit below `top`; return how many."""
    if not is_image(found):
        return _draw_rows(canvas, found, places, top)
    across = max(1, (canvas.columns + BETWEEN) // (WIDTH + BETWEEN))
    down = max(1, (canvas.rows - top) // (HEIGHT + 2))
    for number, place in enumerate(places[: across * down]):
        x = number % across * (WIDTH + BETWEEN)
        y = top + number // across * (HEIGHT + 2)
        image = fit_image(brightness(found.inputs[place]), WIDTH, HEIGHT)
        canvas.pixels(x, y, image)
        _caption(canvas, found, int(place), x, y + len(image) // 2)
    return min(len(places), across * down)


def _caption(canvas: Canvas, found: Predictions, place: int, x: int, y: int) -> None:
    """`7 100 %` where it is right, `read as 1, is 7` where it isn't, and a bar."""
    pen = canvas.pen
    guess, truth = int(found.predicted[place]), int(found.targets[place])
    share = float(found.probabilities[place, guess])
    is_right = guess == truth
    style = pen.style("good" if is_right else "bad strong")
    percent = f"{100 * share:.0f} %"
    text = f"{padded(found.classes[guess], WIDTH - len(percent) - 1).rstrip()} {percent}"
    canvas.write(x, y, text if is_right else _misread(found, guess, truth), style)
    canvas.write(x, y + 1, bar(share, WIDTH, pen), style)
    if not is_right:
        canvas.write(x + WIDTH - len(percent), y + 1, percent, style)


def _misread(found: Predictions, guess: int, truth: int) -> str:
    """`as 1, is 7`, cut to the width of an image."""
    said, is_ = found.classes[guess], found.classes[truth]
    whole = f"as {said}, is {is_}"
    if cell_len(whole) <= WIDTH:
        return whole
    short = cut_distinct([said, is_], (WIDTH - 4) // 2)
    return padded(f"{short[0]} / {short[1]}", WIDTH).rstrip()


def _draw_rows(canvas: Canvas, found: Predictions, places: np.ndarray, top: int) -> int:
    """Draw one sample a line, where samples aren't images."""
    count = min(len(places), canvas.rows - top)
    names = max(8, min(16, max(map(len, found.classes))))
    room = max(8, canvas.columns - 2 * names - 24)
    for number, place in enumerate(places[:count]):
        guess, truth = int(found.predicted[place]), int(found.targets[place])
        share = float(found.probabilities[place, guess])
        pen, y = canvas.pen, top + number
        style = pen.style("good" if guess == truth else "bad strong")
        canvas.write(0, y, padded(text_at(found, int(place)), room))
        canvas.write(room + 1, y, padded(found.classes[truth], names), pen.style("data"))
        canvas.write(room + names + 2, y, padded(found.classes[guess], names), style)
        canvas.write(room + 2 * names + 3, y, f"{100 * share:5.1f} %", style)
        canvas.write(room + 2 * names + 12, y, bar(share, 10, pen), style)
    return count
