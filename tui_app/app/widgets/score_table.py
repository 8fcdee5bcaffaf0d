"""Draws the table of results below a comparison, in columns of fixed width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from tui_app.monitoring.history import History
from tui_app.text.cells import cut
from tui_app.text.escaping import printable
from tui_app.text.quantities import format_seconds, format_short, is_share

#: The columns after the run's name with their widths, and the order in which they are dropped if
#: not all fit.
_COLUMNS = {"best": 12, "epoch": 5, "vs. first run": 16, "time": 12, "state": 9}
_DROPPED = ("epoch", "time", "vs. first run", "state")

#: The widths of a run's sign, of its name at least, and between two columns.
_SIGN, _NAME, _BETWEEN = 2, 20, 2


@dataclass(frozen=True)
class Score:
    """A run in the table: a label that tells it from the others, its colour, and its results."""

    label: str
    colour: str
    history: History
    state: str


def score_table(scores: Sequence[Score], width: int, front: int | None) -> Text:
    """Draw a heading and a line a run; the run at `front` is marked."""
    longest = max((len(printable(score.label)) for score in scores), default=0)
    chosen = dict(_COLUMNS)
    for title in _DROPPED:
        if width - _taken(chosen) >= min(_NAME, longest):
            break
        del chosen[title]
    room = max(1, min(longest, width - _taken(chosen)))
    heading = [Text(" " * _SIGN), Text("run"), *(Text(title) for title in chosen)]
    cells = [_SIGN, room, *chosen.values()]
    lines = [_line(heading, cells, "dim")]
    for place, score in enumerate(scores):
        sign = Text("▶━" if place == front else "━━", score.colour)
        values = _values(score, scores[0].history)
        texts = [sign, Text(printable(score.label)), *(Text(values[title]) for title in chosen)]
        lines.append(_line(texts, cells, "bold" if place == front else ""))
    return Text("\n", no_wrap=True).join(lines)


def _taken(chosen: dict[str, int]) -> int:
    return _SIGN + sum(chosen.values()) + _BETWEEN * (len(chosen) + 1)


def _values(score: Score, first: History) -> dict[str, str]:
    history, best, completed = score.history, score.history.best, score.history.completed
    return {
        "best": "-" if best is None else format_short(best.metric, best.value),
        "epoch": "-" if best is None else str(best.epoch),
        "vs. first run": relative_result(history, first),
        "time": "" if completed is None else format_seconds(completed.seconds),
        "state": printable(score.state),
    }


def relative_result(history: History, first: History) -> str:
    """Compare the result with that of `first`: `error 30 % lower`, `same`, `loss 5.8e6×`."""
    best, other = history.best, first.best
    if history is first or best is None or other is None or best.metric != other.metric:
        return ""
    if _task(history) != _task(first):
        return ""
    if is_share(best.metric):
        what, value, reference = "error", 1 - best.value, 1 - other.value
    else:
        what, value, reference = "loss", best.value, other.value
    if value == reference:
        return "same"
    if reference <= 0 or value < 0:
        return ""
    ratio = value / reference
    change = round(100 * (ratio - 1))
    if change == 0:
        return "same"
    if ratio > 10 or 0 < ratio < 0.01:
        return f"{what} {_short(ratio)}×"
    return f"{what} {abs(change)} % {'higher' if change > 0 else 'lower'}"


def _task(history: History) -> tuple[str, str, str] | None:
    """Return the lecture and data of a result; only results of the same can be compared."""
    facts = history.info
    return None if facts is None else (facts.lecture, facts.file, facts.dataset)


def _short(ratio: float) -> str:
    """Format two digits: `15`, `0.0031`, `5.8e6`."""
    if 1e-4 <= ratio < 1e4:
        return f"{float(f'{ratio:.2g}'):g}"
    mantissa, exponent = f"{ratio:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _line(texts: Sequence[Text], cells: Sequence[int], style: str) -> Text:
    line = Text(style=style)
    for text, width in zip(texts, cells, strict=True):
        shown = cut(text, width)
        line.append(shown).append(" " * (width - shown.cell_len + _BETWEEN))
    line.rstrip()
    return line
