"""Builds lines of styled text: sentences, legends, wrapped paragraphs, bars."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from tui_app.drawing.pen import Pen


def sentence(*parts: tuple[str, str] | str, pen: Pen) -> Text:
    """A line of parts, each plain or with a meaning for the pen (`good`, `faint`, ...)."""
    line = Text(no_wrap=True, end="")
    for part in parts:
        text, meaning = (part, "") if isinstance(part, str) else part
        line.append(text, pen.style(meaning) or None)
    return line


def flowed(groups: Sequence[Sequence[tuple[str, str] | str]], columns: int, pen: Pen) -> list[Text]:
    """Groups of parts side by side; a group that doesn't fit begins a new line."""
    lines: list[Text] = []
    for group in groups:
        piece = sentence(*group, pen=pen)
        if lines and lines[-1].cell_len + 3 + piece.cell_len <= columns:
            lines[-1].append("   ")
            lines[-1].append_text(piece)
        else:
            lines.append(piece)
    return lines


def wrapped(text: str, columns: int, pen: Pen, meaning: str = "faint") -> list[Text]:
    """A text over as many lines as needed, broken between words."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and cell_len(line) + 1 + cell_len(word) > columns:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [sentence((part, meaning), pen=pen) for part in [*lines, line]]


def bar(share: float, columns: int, pen: Pen) -> str:
    """A bar as long as `share` (0 to 1) of so many cells, to an eighth of a cell."""
    if pen.ascii:
        return "#" * round(share * columns)
    eighths = round(max(0.0, min(1.0, share)) * columns * 8)
    return "█" * (eighths // 8) + ("", *"▏▎▍▌▋▊▉")[eighths % 8]
