"""Draws how many multiply-adds 1x1 convolutions save, in the lecture's example and this network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod
from typing import TYPE_CHECKING

from rich.text import Text

from tui_app.drawing.table import bar, sentence, wrapped
from tui_app.text.cells import padded
from tui_app.text.quantities import grouped
from tui_app.views.view import Frame, View

if TYPE_CHECKING:
    from tui_app.training.layers import Layer, Layers


@dataclass(frozen=True)
class Saving:
    """The multiply-adds of a convolution from `wide` channels to `out` with a kernel of `side`² at
    `pixels` places: by itself, and after a 1x1 convolution to `narrow` channels.
    """

    name: str
    pixels: int
    side: int
    wide: int
    narrow: int
    out: int

    @property
    def direct(self) -> int:
        """The multiply-adds without the 1x1 convolution."""
        return self.pixels * self.side**2 * self.wide * self.out

    @property
    def both(self) -> int:
        """The multiply-adds of the 1x1 convolution and the larger one after it."""
        return self.pixels * (self.wide + self.side**2 * self.out) * self.narrow

    @property
    def share(self) -> float:
        """The multiply-adds with the 1x1 convolution, as a share of those without."""
        return self.both / self.direct


#: The example of the course (lecture 11): 192 channels of 28x28 to 32 by 5x5, through 16.
EXAMPLE = Saving("the lecture's example", 28 * 28, 5, 192, 16, 32)


def savings(layers: Sequence[Layer]) -> list[Saving]:
    """The larger convolutions that directly follow a 1x1 one, in the order they run."""
    found: list[Saving] = []
    before: Layer | None = None
    for layer in layers:
        side = _side(layer)
        if side == 1:
            before = layer
        elif side and before is not None and layer.before == before.after:
            pixels, wide = prod(layer.after[1:]), before.before[0]
            found.append(Saving(layer.name, pixels, side, wide, before.after[0], layer.after[0]))
            before = None
        elif before is not None and (side or layer.after != before.after):
            before = None
    return found


def _side(layer: Layer) -> int:
    """The side of a convolution's kernel; 0 for other layers."""
    if "Conv2d" not in layer.kind or not layer.multiply_adds:
        return 0
    return isqrt(layer.multiply_adds // (prod(layer.after) * layer.before[0]))


def draw(found: Layers, frame: Frame) -> list[Text]:
    """The arithmetic of the lecture's example, then the savings in this network."""
    pen, found_savings = frame.pen, savings(found.layers)
    lines = _example(frame)
    if not found_savings:
        return [
            *lines,
            Text(),
            *wrapped(
                "This network has no 1×1 convolution before a larger one.", frame.columns, pen
            ),
        ]
    x = pen.sign("×", "x")
    lines += [Text(), sentence(("this network", "strong"), (", for one sample", "faint"), pen=pen)]
    head = f"{'channels':<24}{'at once':>13}{f'by 1{x}1':>13}  left"
    lines.append(sentence((head, "faint"), pen=pen))
    total = _total(found_savings, frame)
    for saving in found_savings[: max(1, frame.rows - len(lines) - len(total))]:
        arrow = pen.sign("→", ">")
        way = (
            f"{saving.wide}{arrow}{saving.narrow}{arrow}{saving.out}, {saving.side}{x}{saving.side}"
        )
        text = f"{padded(way, 24)}{grouped(saving.direct):>13}{grouped(saving.both):>13}"
        share = f"{100 * saving.share:5.0f} % "
        room = max(4, frame.columns - 60)
        meaning = "good" if saving.share < 1 else "bad"
        drawn = bar(min(1.0, saving.share), room, pen)
        lines.append(sentence(text, (share + drawn, meaning), pen=pen))
    return [*lines, *total]


def _example(frame: Frame) -> list[Text]:
    pen, x, dot = frame.pen, frame.pen.sign("×", "x"), frame.pen.sign("·", "*")
    one, squares = EXAMPLE, f"28{dot}28"
    direct = dot.join([squares, "5", "5", "192", "32"])
    first, second = dot.join([squares, "192", "16"]), dot.join([squares, "5", "5", "16", "32"])
    return [
        sentence((f"192 channels of 28{x}28 to 32 channels, by 5{x}5", "strong"), pen=pen),
        *_row(f"at once: {direct}", one.direct, 1.0, "bad", frame),
        *_row(f"by 1{x}1: {first} + {second}", one.both, one.share, "good", frame),
        *wrapped(
            f"{grouped(one.both)} is {100 * one.share:.1f} % of it (the slide's 12 433 648 has a "
            "digit wrong).",
            frame.columns,
            pen,
        ),
    ]  # fmt: skip


def _row(text: str, number: int, share: float, meaning: str, frame: Frame) -> list[Text]:
    return [
        sentence(f"{text} = {grouped(number)}", pen=frame.pen),
        sentence((bar(share, min(60, frame.columns), frame.pen), meaning), pen=frame.pen),
    ]


def _total(all_savings: Sequence[Saving], frame: Frame) -> list[Text]:
    """The sum of all savings, and why some cost more."""
    direct, both = sum(one.direct for one in all_savings), sum(one.both for one in all_savings)
    text = f"together {grouped(both)} instead of {grouped(direct)}, {100 * both / direct:.0f} %"
    lines = wrapped(text, frame.columns, frame.pen, "good" if both < direct else "bad")
    if any(one.share >= 1 for one in all_savings):
        why = "A 1x1 convolution to fewer channels saves work; one to more channels costs it."
        lines += wrapped(why, frame.columns, frame.pen)
    return lines


VIEW = View("1×1 convolution", "layers", draw, suits=lambda traits: 1 in traits.kernel_sides)
