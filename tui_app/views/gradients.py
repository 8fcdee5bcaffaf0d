"""Draws the gradient's norm at each layer, to show whether it vanishes before the first ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from tui_app.drawing.table import sentence, wrapped
from tui_app.text.cells import padded
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.inspection.probes.gradients import Gradients

_FLOOR = 1e-12


def draw(found: Gradients, frame: Frame) -> list[Text]:
    """One layer a line, from input to output, with marks on a logarithmic axis."""
    pen = frame.pen
    norms = np.stack([one.norms for one in found.series])
    low, high = _decades(norms)
    names = min(26, max(map(len, found.layers)) + 1, frame.columns // 3)
    width = frame.columns - names - 10
    signs = [
        (pen.sign("●", "*"), "data strong"),
        (pen.sign("○", "o"), "bad"),
        (pen.sign("◆", "+"), "good"),
    ]
    lines = [_axis(low, high, names, width, frame)]
    words = _ratios(found, frame)
    room = max(1, frame.rows - 2 - len(words))
    shown = np.linspace(0, len(found.layers) - 1, min(room, len(found.layers))).round().astype(int)
    for place in shown:
        line = sentence(f"{padded(_short(found.layers[place], names), names)}", pen=pen)
        line.append_text(_marks(norms[:, place], low, high, width, signs, frame))
        line.append(f" {norms[0, place]:8.1e}")
        lines.append(line)
    legend = [
        (f"{sign} {one.label}   ", meaning)
        for one, (sign, meaning) in zip(found.series, signs, strict=False)
    ]
    return [*lines, sentence(*legend, pen=pen), *words]


def _short(name: str, columns: int) -> str:
    """The end of a name that is too long."""
    return name if len(name) < columns else f"..{name[-(columns - 3) :]}"


def _decades(norms: np.ndarray) -> tuple[int, int]:
    logs = np.log10(np.maximum(norms, _FLOOR))
    low, high = int(np.floor(logs.min())), int(np.ceil(logs.max()))
    return low, max(high, low + 1)


def _axis(low: int, high: int, names: int, width: int, frame: Frame) -> Text:
    signs = [" "] * width
    every = max(1, -(-(high - low) * 7 // width))
    for decade in range(low, high + 1, every):
        text = f"1e{decade}"
        x = min(round((decade - low) / (high - low) * (width - 1)), width - len(text))
        if x > 0 and signs[x - 1] != " ":
            continue
        signs[x : x + len(text)] = text
    return sentence((padded("layer", names) + "".join(signs) + "      now", "faint"), pen=frame.pen)


def _marks(
    norms: np.ndarray, low: int, high: int, width: int, signs: list[tuple[str, str]], frame: Frame
) -> Text:
    """One line: a bar for the run's gradient, marks for all of them."""
    pen = frame.pen
    places = np.log10(np.maximum(norms, _FLOOR))
    cells = np.clip(np.round((places - low) / (high - low) * (width - 1)), 0, width - 1).astype(int)
    marks = {int(cell): signs[i] for i, cell in reversed(list(enumerate(cells)))}
    line = Text(no_wrap=True, end="")
    for column in range(width):
        if column in marks:
            sign, meaning = marks[column]
            line.append(sign, pen.style(meaning) or None)
        elif column < cells[0]:
            line.append(pen.sign("─", "-"), pen.style("faint") or None)
        else:
            line.append(" ")
    return line


def _first_to_last(norms: np.ndarray) -> float:
    """The first layer's gradient, relative to the last layer's."""
    return float(norms[0] / norms[-1]) if norms[-1] > _FLOOR else 0.0


def _ratios(found: Gradients, frame: Frame) -> list[Text]:
    """How much gradient reaches the first layer, in this net, a plain one and a residual one."""
    now, *twins = found.series
    if now.norms[-1] <= _FLOOR or now.norms[0] <= _FLOOR:
        return [sentence(("no gradient reaches the first layer", "bad"), pen=frame.pen)]
    share = _first_to_last(now.norms)
    meaning = "bad" if share < 1e-3 or share > 1e3 else "good"
    text = f"the first layer's gradient is {share:.3g} times the last one's"
    lines = [sentence((text, meaning), (f"   loss {found.loss:.4f}", "faint"), pen=frame.pen)]
    if twins:
        each = ", ".join(f"{twin.label} {_first_to_last(twin.norms):.2g}" for twin in twins)
        lines += wrapped(f"before any training: {each}", frame.columns, frame.pen)
    return lines


VIEW = View("Gradient by layer", "gradients", draw)
