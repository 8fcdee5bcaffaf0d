"""What the model says to a drawing."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tui_app.inspection.probe_context import ProbeContext
from tui_app.inspection.probes.answer import Answer, answer_to

#: Points of a drawing along each side; a point is two hexadecimal digits, 00 (blank) to ff.
SIDE = 28


@dataclass(frozen=True)
class Drawing:
    """The answer, and the image (C, H, W) that the model was given; None before there is."""

    answer: Answer
    seen: np.ndarray | None


def probe(context: ProbeContext, query: str) -> Drawing | None:
    """The answer to the drawing; None for a model that takes no images or names no classes."""
    spec = context.data.spec
    if len(spec.input_shape) != 3 or not spec.classes:
        return None
    nothing = Answer("", spec.classes, np.zeros(len(spec.classes)), "a drawing")
    if not query:
        return Drawing(nothing, None)
    ink = np.frombuffer(bytes.fromhex(query), np.uint8).reshape(SIDE, SIDE)
    # Each data set knows how a picture becomes one of its samples, and reads it from a file.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawing.png"
        Image.fromarray(ink).save(path)
        image = context.data.encode(str(path))
    return Drawing(answer_to(context, image, "drawing"), image)
